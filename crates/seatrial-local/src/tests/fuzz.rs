//! What reads bytes of strangers, fed with what strangers might send: seeds and every finding so far (`fuzz/TARGET/`), as
//! they are and changed at random. None may make a target panic or think for longer than [`LONGEST`]. A test plays a
//! moment of each; `FUZZ_MINUTES=10 FUZZ_SEED=7 cargo test -p seatrial-local --lib fuzz::protocols -- --nocapture` plays
//! for so long, says how many inputs there were, and keeps what it finds as a file for the next time.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use seatrial_policy::{Context, NamedPolicy, Policies, Policy, PolicyKind, Principal, Request};
use serde_json::json;

use crate::archive;
use crate::protocol::fuzzing as protocol;
use crate::runtime::unpack::{Owners, unpack};
use crate::services::cloudformation::fuzzing as cloudformation;
use crate::services::logs::fuzzing as logs;
use crate::wildcards::Wildcards;

/// How long a target may think about one input of at most [`MOST`] bytes, in time of a processor where Linux tells it: on
/// a busy machine a moment takes long.
const LONGEST: Duration = Duration::from_secs(5);
const MOST: usize = 16 << 10;
/// Inputs in a run that nobody gave minutes.
const FEW: u64 = 300;

/// What languages are made of: a splice of these finds more than a byte.
const WORDS: [&[u8]; 44] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\"",
    b"'",
    b"\n",
    b"\r\n",
    b" ",
    b"\0",
    b"\xff",
    b"\xa1",
    b"\xbf",
    b"\x9f",
    b"*",
    b"**",
    b"?",
    b"(",
    b")",
    b"(?=",
    b"(?<!",
    b"\\1",
    b"+",
    b"{1,65535}",
    b"|",
    b"[^",
    b"&&[",
    b"$",
    b"%",
    b"!Ref",
    b"!Sub",
    b"Fn::",
    b"&a",
    b"*a",
    b"<<",
    b"---",
    b"0\r\n",
    b"ffffffffffffffff",
    b"-1",
    b"1e999",
    b"Statement",
    b"<a>",
];

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/fuzz").join(target)
}

fn kept(target: &str) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(folder(target)).into_iter().flatten().flatten();
    let mut files: Vec<_> = files.map(|file| file.path()).collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn changed(random: &mut StdRng, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut input = inputs[random.random_range(0..inputs.len())].clone();
    for _ in 0..random.random_range(1..=8) {
        let at = random.random_range(0..=input.len());
        let until = (at + random.random_range(0..=16)).min(input.len());
        match random.random_range(0..7) {
            0 => drop(input.drain(at..until)),
            1 if at < input.len() => input[at] = random.random(),
            2 => drop(input.splice(at..at, WORDS[random.random_range(0..WORDS.len())].iter().copied())),
            3 => {
                let piece = input[at..until].to_vec();
                let repeated = piece.repeat(random.random_range(1..=64));
                drop(input.splice(at..at, repeated));
            }
            4 => {
                let other = &inputs[random.random_range(0..inputs.len())];
                let from = random.random_range(0..=other.len());
                drop(input.splice(at..until, other[from..].iter().copied()));
            }
            5 if at < input.len() => input[at] ^= 1 << random.random_range(0..8),
            _ => input.truncate(at.max(1)),
        }
        input.truncate(MOST);
    }
    input
}

/// What this thread has had of a processor.
fn spent() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Plays a target, the seeds first.
fn play(target: &str, seeds: &[&[u8]], run: impl Fn(&[u8])) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (minutes, seed) = (number("FUZZ_MINUTES"), number("FUZZ_SEED").unwrap_or(1));
    let mut inputs: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.to_vec()).chain(kept(target)).collect();
    let mut random = StdRng::seed_from_u64(seed);
    let (begun, mut count, first) = (Instant::now(), 0_u64, inputs.len());
    let until = minutes.map(|minutes| begun + Duration::from_secs(60 * minutes));
    while until.map_or(count < FEW + first as u64, |until| Instant::now() < until || count < first as u64) {
        let input = match inputs.get(usize::try_from(count).unwrap()).filter(|_| count < first as u64) {
            Some(input) => input.clone(),
            None => changed(&mut random, &inputs),
        };
        count += 1;
        let (at, before) = (Instant::now(), spent());
        let survived = catch_unwind(AssertUnwindSafe(|| run(&input))).is_ok();
        let took = spent().zip(before).map_or_else(|| at.elapsed(), |(after, before)| after - before);
        if !survived || took > LONGEST {
            let mut hasher = DefaultHasher::new();
            input.hash(&mut hasher);
            let file = folder(target).join(format!("found-{:016x}", hasher.finish()));
            std::fs::create_dir_all(folder(target)).unwrap();
            std::fs::write(&file, &input).unwrap();
            panic!(
                "{target}: input {count} of seed {seed} took {took:?}, panicked: {}; kept as {file:?}",
                !survived
            );
        }
        // What is longer or other than the rest makes others.
        if inputs.len() < 2_000 && random.random_range(0..50) == 0 {
            inputs.push(input);
        }
    }
    println!("{target}: {count} inputs in {:.0} s, seed {seed}", begun.elapsed().as_secs_f64());
}

#[test]
fn protocols() {
    let seeds: [&[u8]; 8] = [
        br#"0{"name":"p","tags":[{"key":"a","value":"b"}],"pipeline":{"stages":[{"actions":[]}]}}"#,
        b"1Action=CreateStack&StackName=s&Parameters.member.1.ParameterKey=a&Parameters.member.1.ParameterValue=b",
        b"2<Delete><Object><Key>a</Key><VersionId>1</VersionId></Object><Quiet>true</Quiet></Delete>",
        b"3\xa2\x64Name\x61a\x66Values\x82\xfb\x40\x09\x21\xfb\x54\x44\x2d\x18\xc1\x1a\x5f\x5e\x10\x00",
        b"4GET /bucket/key?versionId=1&X-Amz-Signature=a HTTP/1.1\nhost: a\nrange: bytes=0-1\nx-amz-date: 2026\n",
        b"4PUT /b/k?uploadId=%2e%2F&partNumber=99999999999999999999 HTTP/1.1\nx-amz-meta-a: =?UTF-8?B?w4Q=?=\n",
        b"4POST / HTTP/1.1\nauthorization: AWS4-HMAC-SHA256 Credential=a/20260101/r/s3/aws4_request, \
          SignedHeaders=host, Signature=00\nx-amz-date: 20260101T000000Z\n",
        b"0{\"a\":[[[[[[[[[[[[[[[[[[",
    ];
    play("protocols", &seeds, protocol::decode);
}

#[test]
fn aws_chunked() {
    let seeds: [&[u8]; 4] = [
        b"\x033\r\nabc\r\n1\r\nd\r\n0\r\nx-amz-checksum-crc32:7YLNEQ==\r\n\r\n",
        b"\x0110;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n\
          0123456789abcdef\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
        b"\x10ffffffffffffffff\r\n",
        b"\x000\r\nx-amz-trailer-signature:a\r\nx-amz-checksum-sha256:b\r\n\r\n",
    ];
    play("aws-chunked", &seeds, protocol::take_frames_off);
}

#[test]
fn archives() {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, kind, link) in [
        ("etc/passwd", tar::EntryType::Regular, ""),
        ("bin", tar::EntryType::Symlink, "/usr/../../bin"),
        ("bin/sh", tar::EntryType::Link, "etc/passwd"),
        ("etc/.wh.passwd", tar::EntryType::Regular, ""),
        ("etc/.wh..wh..opq", tar::EntryType::Regular, ""),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o4755);
        let body: &[u8] = if kind == tar::EntryType::Regular { b"abc" } else { b"" };
        header.set_size(body.len() as u64);
        match link {
            "" => tar.append_data(&mut header, name, body).unwrap(),
            link => tar.append_link(&mut header, name, link).unwrap(),
        }
    }
    let tar = tar.into_inner().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &tar).unwrap();
    let gzip = gzip.finish().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"abc").unwrap();
    let zip = archive::pack(&[("a/b".to_owned(), file.clone()), ("c".to_owned(), file.clone())]).unwrap();
    let zstd: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x00, 0x19, 0x00, 0x00, 0x61, 0x62, 0x63, 0x1d, 0x00];
    play("archives", &[&tar[..4096], &gzip, &zip, zstd], |input| {
        let root = tempfile::tempdir_in(dir.path()).unwrap();
        std::fs::write(&file, input).unwrap();
        let _ = unpack(std::fs::File::open(&file).unwrap(), &root.path().join("layer"), Owners::Own);
        let _ = archive::unpack(input, &root.path().join("zip"));
        let _ = archive::read(input, "a/b");
    });
}

#[test]
fn templates() {
    let seeds: [&[u8]; 3] = [
        include_bytes!("../../../../infra/stacks/network.yml"),
        include_bytes!("../../../../infra/stacks/load-balancer.yml"),
        b"a: &a [*a, *a]\nb: {<<: *a}\nc: !!binary x\n? {d: e}\n: f\n",
    ];
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cloud = super::cloud_in(dir.path());
    play("templates", &seeds, |input| {
        let _ = seatrial_template::parse("t.yml", input).map(|document| document.to_json());
        let _ = seatrial_template::parse_last_key_wins("t.yml", input).map(|document| document.to_json());
        let body = json!({ "TemplateBody": String::from_utf8_lossy(input) });
        runtime.block_on(async {
            let _ = super::call(&cloud, "cloudformation:ValidateTemplate", body.clone()).await;
            let _ = super::call(&cloud, "cloudformation:GetTemplateSummary", body).await;
        });
    });
}

#[test]
fn policies() {
    let caller = Principal::User { arn: "arn:aws:iam::000000000000:user/a".to_owned() };
    let context = Context::of(&caller);
    play("policies", &[], |input| {
        let text = String::from_utf8_lossy(input);
        for kind in [PolicyKind::Identity, PolicyKind::Resource, PolicyKind::Key, PolicyKind::Trust] {
            let Ok(policy) = Policy::parse(kind, &text) else { continue };
            let named = [NamedPolicy { name: "p".to_owned(), policy }];
            let policies = match kind {
                PolicyKind::Identity => Policies { identity: &named, session: &named, ..Policies::default() },
                _ => Policies { resource: named.first(), ..Policies::default() },
            };
            for (action, resource) in [("s3:GetObject", "arn:aws:s3:::b/a/k"), ("sts:AssumeRole", "*")] {
                let request = Request {
                    principal: &caller,
                    action,
                    resource,
                    resource_account: None,
                    context: &context,
                };
                let _ = policies.decide(&request).denial(&request);
            }
        }
    });
}

#[test]
fn patterns() {
    let seeds: [&[u8]; 6] = [
        b"^(?!aws)[a-z][-a-z0-9]{0,62}$\naws-a",
        br"((a+)+)+$
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
        br"(?<=a)\1(b)|[\w-\+&&[^x]]*+
ab",
        b"a*b*c*d*e*f*g*h*\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        b"{ $.a = \"b*\" && ($.c > 1) }\n{\"a\":\"bc\",\"c\":2}",
        b"[a, b=*ERR*, ...]\nx ERROR y",
    ];
    play("patterns", &seeds, |input| {
        let text = String::from_utf8_lossy(input);
        let (pattern, subject) = text.split_once('\n').unwrap_or((&text, ""));
        cloudformation::matches(pattern, subject);
        logs::matches(pattern, subject);
        for wildcards in
            [Wildcards::of_text(pattern, true), Wildcards::of_stars(pattern), Wildcards::of_path(pattern)]
        {
            wildcards.fits(subject);
        }
    });
}
