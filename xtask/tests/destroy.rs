//! What `destroy` and `local reset` delete, and what they never do.

mod support;

use std::os::unix::fs::symlink;

use support::Project;

#[test]
fn a_folder_with_other_files_is_no_data_directory_and_stays_as_it_is() {
    let foreign: [&[&str]; 4] =
        [&["thesis.txt"], &[".hidden"], &["s3", "lock", "state.jsonl"], &["daemon.json"]];
    for foreign in foreign {
        let project = Project::new();
        let folder = project.path("local-cloud");
        std::fs::create_dir(&folder).unwrap();
        foreign.iter().for_each(|file| std::fs::write(folder.join(file), file).unwrap());

        for arguments in
            [&["local", "start"][..], &["local", "reset", "--yes"], &["destroy", "--yes"], &["status"]]
        {
            project.run(arguments).refused("data directory `");
        }

        let mut left: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut expected = foreign.to_vec();
        expected.sort_unstable();
        assert_eq!(left, expected);
        foreign
            .iter()
            .for_each(|file| assert_eq!(std::fs::read_to_string(folder.join(file)).unwrap(), *file));
    }
}

#[test]
fn foreign_files_in_a_data_directory_stay_and_are_named() {
    for arguments in [&["destroy"][..], &["local", "reset", "--yes"]] {
        let project = Project::new();
        let folder = project.path("local-cloud");
        // An empty folder that is there already is as good as a new one.
        std::fs::create_dir(&folder).unwrap();
        let started = project.run(&["local", "start", "--port", "0"]);
        assert_eq!(started.code, Some(0), "{}", started.stderr);
        let random = || tempfile::Builder::new().prefix("").rand_bytes(12).tempfile_in(&folder).unwrap();
        let files: Vec<_> = (0..4).map(|_| random()).collect();
        let nested = folder.join("photos/2026");
        std::fs::create_dir_all(&nested).unwrap();
        std::fs::write(nested.join("one.jpg"), "mine").unwrap();
        // What a link leads to is nobody's business, even if the link has a name of ours.
        let outside = project.path("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("kept"), "mine").unwrap();
        let _ = std::fs::remove_dir_all(folder.join("images"));
        symlink(&outside, folder.join("images")).unwrap();

        let ended = project.run(arguments);

        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(files.iter().all(|file| file.path().exists()));
        assert!(nested.join("one.jpg").exists() && outside.join("kept").exists());
        for path in files.iter().map(tempfile::NamedTempFile::path).chain([folder.join("photos").as_path()]) {
            assert!(ended.stderr.contains(&format!("`{}`", path.display())), "{}", ended.stderr);
        }
        assert!(!folder.join("state.jsonl").exists() && !folder.join("images").is_symlink());
        // It is still the local cloud's: it starts there again, and once alone leaves nothing.
        assert_eq!(project.run(&["local", "start", "--port", "0"]).code, Some(0));
        drop(files);
        std::fs::remove_dir_all(folder.join("photos")).unwrap();
        assert_eq!(project.run(&["local", "reset", "--yes"]).code, Some(0));
        assert!(!folder.exists());
    }
}
