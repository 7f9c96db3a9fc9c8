set -eu
busybox=/bin/busybox
$busybox mkdir -p /www
{ $busybox cat /page.txt && echo "jobs go to $QUEUE_URL"; } >/www/index.html
echo ok >/www/healthz
echo "serving"
exec $busybox httpd -f -p 8080 -h /www
