assert open("page.txt").read().strip().endswith("page")
