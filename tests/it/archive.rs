//! Unpacking: what the real archive holds, what hostile ones must not do; and the generated images.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use fpl_repro::data::archive::{Layout, Unpacked, unpack};
use fpl_repro::data::synthetic::{class_names, generate};
use fpl_repro::data::{CIFAR10, CIFAR100};
use fpl_repro::error::{Error, Result};
use fpl_repro::fs::{sha256_bytes, sha256_file};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

const RECORD: usize = 3073;
const SMALL: Layout = Layout { format: &CIFAR10, train_records: 10, test_records: 3 };
const NAMES: &str = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";

/// A record that differs from those of other numbers.
fn record(number: usize) -> Vec<u8> {
    let mut record = vec![(number % 10) as u8];
    record.extend((0..RECORD - 1).map(|index| ((index * 7 + number * 31) % 251) as u8));
    record
}

/// A member as it is to be written.
#[derive(Clone)]
struct Member {
    name: String,
    kind: EntryType,
    content: Vec<u8>,
    link: &'static str,
}

fn file(name: &str, content: Vec<u8>) -> Member {
    let name = format!("cifar-10-batches-bin/{name}");
    Member { name, kind: EntryType::Regular, content, link: "" }
}

/// The members of a good archive with these records: 10 for training, then 3 for testing.
fn members_of(records: &[Vec<u8>]) -> Vec<Member> {
    let mut members = vec![file("batches.meta.txt", NAMES.into())];
    // The official archive's members are not in the order of their numbers either.
    for batch in [1, 3, 4, 5, 2] {
        members.push(file(&format!("data_batch_{batch}.bin"), records[2 * batch - 2..2 * batch].concat()));
    }
    members.push(file("test_batch.bin", records[10..].concat()));
    members
}

fn good_records() -> Vec<Vec<u8>> {
    (0..13).map(record).collect()
}

fn good_members() -> Vec<Member> {
    members_of(&good_records())
}

fn tar_of(members: &[Member]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for member in members {
        let mut header = Header::new_gnu();
        // Written directly: the crate's setter refuses the very names that the tests are about.
        header.as_old_mut().name[..member.name.len()].copy_from_slice(member.name.as_bytes());
        header.as_old_mut().linkname[..member.link.len()].copy_from_slice(member.link.as_bytes());
        header.set_entry_type(member.kind);
        header.set_mode(0o644);
        header.set_size(member.content.len() as u64);
        header.set_cksum();
        tar.append(&header, member.content.as_slice()).unwrap();
    }
    tar.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn archive_of(members: &[Member]) -> Vec<u8> {
    gzip(&tar_of(members))
}

/// Unpacks bytes; returns the directory above `out` too, to see what else was written.
fn try_unpack(bytes: &[u8]) -> (TempDir, Result<Unpacked>) {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("archive.tar.gz");
    fs::write(&archive, bytes).unwrap();
    let result = unpack(&archive, &SMALL, &dir.path().join("out"));
    (dir, result)
}

/// Asserts that an archive is refused with a message that names it and all of `parts`, and that nothing was written
/// but the expected files.
#[track_caller]
fn assert_refused(bytes: &[u8], parts: &[&str]) {
    let (dir, result) = try_unpack(bytes);
    let error = result.expect_err("must be refused");
    assert!(matches!(error, Error::Data { .. }), "{error:?}");
    assert!(error.help().contains("--set datasets.NAME.source.archive="), "{}", error.help());
    let message = error.to_string();
    for part in parts.iter().chain(&["archive.tar.gz"]) {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
    let mut written = fpl_repro::fs::files_below(dir.path()).unwrap();
    let expected = ["archive.tar.gz", "out/train.bin", "out/test.bin", "out/classes.txt"].map(PathBuf::from);
    written.retain(|path| !expected.contains(path));
    assert!(written.is_empty(), "{written:?}");
}

#[track_caller]
fn assert_member_refused(extra: Member, parts: &[&str]) {
    let mut members = good_members();
    members.insert(1, extra);
    assert_refused(&archive_of(&members), parts);
}

/// The digest as data/README.md describes it, written once more.
fn content_of(records: &[Vec<u8>]) -> String {
    let mut digests: Vec<Vec<u8>> = records.iter().map(|record| Sha256::digest(record).to_vec()).collect();
    digests.sort();
    sha256_bytes(&digests.concat())
}

#[test]
fn good_archive() {
    let records = good_records();
    let bytes = archive_of(&good_members());
    let (dir, result) = try_unpack(&bytes);
    let unpacked = result.unwrap();
    let out = dir.path().join("out");
    assert!(fs::read(out.join("train.bin")).unwrap() == records[..10].concat());
    assert!(fs::read(out.join("test.bin")).unwrap() == records[10..].concat());
    assert_eq!(fs::read_to_string(out.join("classes.txt")).unwrap(), NAMES.trim_end().to_owned() + "\n");
    assert_eq!(unpacked.archive_sha256, sha256_bytes(&bytes));
    assert_eq!(unpacked.archive_bytes, bytes.len() as u64);
    assert_eq!(unpacked.train_content, content_of(&records[..10]));
    assert_eq!(unpacked.test_content, content_of(&records[10..]));
    assert_eq!(unpacked.classes, CIFAR10.classes);
}

#[test]
fn harmless_members_are_allowed() {
    let mut members = good_members();
    let folder = Member { kind: EntryType::Directory, ..file("", Vec::new()) };
    members.insert(0, folder);
    members.push(file("readme.html", b"<html>".to_vec()));
    let times = Member { kind: EntryType::XHeader, ..file("pax", b"22 mtime=1234567890.5\n".to_vec()) };
    members.insert(1, times);
    try_unpack(&archive_of(&members)).1.unwrap();
}

#[test]
fn uneven_batches() {
    let layout = Layout { format: &CIFAR10, train_records: 13, test_records: 1 };
    let records: Vec<_> = (0..13).map(record).collect();
    let ends = [0, 2, 4, 7, 10, 13];
    let mut members = vec![file("batches.meta.txt", NAMES.into()), file("test_batch.bin", record(5))];
    for batch in 1..=5 {
        let content = records[ends[batch - 1]..ends[batch]].concat();
        members.push(file(&format!("data_batch_{batch}.bin"), content));
    }
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("a");
    fs::write(&archive, archive_of(&members)).unwrap();
    unpack(&archive, &layout, dir.path()).unwrap();
    assert!(fs::read(dir.path().join("train.bin")).unwrap() == records.concat());
}

#[test]
fn content_ignores_order_and_nothing_else() {
    let digests = |records: &[Vec<u8>]| {
        let unpacked = try_unpack(&archive_of(&members_of(records))).1.unwrap();
        (unpacked.train_content, unpacked.test_content)
    };
    let mut records = good_records();
    let original = digests(&records);
    records[..10].rotate_left(3);
    records[10..].reverse();
    assert_eq!(digests(&records), original);
    records[4][1000] ^= 1;
    let changed = digests(&records);
    assert_ne!(changed.0, original.0);
    assert_eq!(changed.1, original.1);
    records[4][1000] ^= 1;
    records.swap(0, 12); // From one split into the other.
    let swapped = digests(&records);
    assert!(swapped.0 != original.0 && swapped.1 != original.1);
}

#[test]
fn names_outside() {
    let at = |name: &str| Member { name: name.to_owned(), ..file("", b"x".to_vec()) };
    for name in ["../evil", "cifar-10-batches-bin/../../evil", "cifar-10-batches-bin/../data_batch_1.bin", ".."] {
        assert_member_refused(at(name), &[name, "not expected"]);
        let pax = |name: &str| {
            (0..100).map(|n| format!("{n} path={name}\n")).find(|line| line.starts_with(&format!("{} ", line.len())))
        };
        let headers = [
            Member { kind: EntryType::GNULongName, ..file("long", format!("{name}\0").into()) },
            Member { kind: EntryType::XHeader, ..file("pax", pax(name).unwrap().into()) },
        ];
        for header in headers {
            let mut members = good_members();
            members.insert(1, header);
            assert_refused(&archive_of(&members), &[name, "not expected"]);
        }
    }
    // No name becomes a path: an absolute one is that of a small file to pass over.
    let mut members = good_members();
    members.push(at("/tmp/fpl-repro-evil"));
    try_unpack(&archive_of(&members)).1.unwrap();
    assert!(!Path::new("/tmp/fpl-repro-evil").exists());
    let large = Member { content: vec![0; 2 << 20], ..at("cifar-10-batches-py/data_batch_1") };
    assert_member_refused(large, &["`cifar-10-batches-py/data_batch_1` of 2097152 bytes", "not expected"]);
}

/// How people pack what they have unpacked: GNU tar and bsdtar in all their forms.
#[test]
fn however_it_is_packed() {
    let records = good_records();
    let expected = (content_of(&records[..10]), content_of(&records[10..]));
    let dir = tempfile::tempdir().unwrap();
    let long = "folder-".repeat(20);
    for folder in ["cifar-10-batches-bin", &long] {
        fs::create_dir(dir.path().join(folder)).unwrap();
        for member in good_members() {
            fs::write(dir.path().join(folder).join(member.name.rsplit('/').next().unwrap()), &member.content).unwrap();
        }
        fs::write(dir.path().join(folder).join(".DS_Store"), b"a desktop's").unwrap();
    }
    let from_within = ["-C", "cifar-10-batches-bin", "."];
    let packings: [&[&str]; 9] = [
        &["./cifar-10-batches-bin"],
        &["cifar-10-batches-bin", "--owner=somebody", "--group=users:100", "--sort=name"],
        &["--format=pax", "./cifar-10-batches-bin"],
        &["--format=pax", "--pax-option=globexthdr.comment=packed again", "cifar-10-batches-bin"],
        &["--format=v7", "cifar-10-batches-bin"],
        &["--format=ustar", "--blocking-factor=200", "cifar-10-batches-bin"],
        &["--format=gnu", &long],
        &["--format=pax", &long],
        &from_within,
    ];
    for packing in packings {
        let tar = std::process::Command::new("tar").arg("-cf-").args(packing).current_dir(dir.path()).output().unwrap();
        assert!(tar.status.success(), "{packing:?}: {tar:?}");
        let unpacked = try_unpack(&gzip(&tar.stdout)).1.unwrap_or_else(|error| panic!("{packing:?}: {error}"));
        assert_eq!((unpacked.train_content, unpacked.test_content), expected, "{packing:?}");
        // As pigz, bgzip and `cat a.gz b.gz` write it, with the padding of a tape.
        let (first, second) = tar.stdout.split_at(tar.stdout.len() / 3);
        let members = [gzip(first), gzip(second), vec![0; 512]].concat();
        let unpacked = try_unpack(&members).1.unwrap_or_else(|error| panic!("{packing:?}, in members: {error}"));
        assert_eq!(unpacked.archive_sha256, sha256_bytes(&members));
        assert_eq!((unpacked.train_content, unpacked.test_content), expected, "{packing:?}");
    }
}

#[test]
fn links_and_devices() {
    for (kind, what) in [
        (EntryType::Symlink, "symbolic link"),
        (EntryType::Link, "hard link"),
        (EntryType::Char, "device"),
        (EntryType::Block, "device"),
        (EntryType::Fifo, "pipe"),
        (EntryType::GNUSparse, "sparse file"),
        (EntryType::Continuous, "special member"),
    ] {
        let member = Member { kind, link: "/etc/passwd", ..file("data_batch_1.bin", Vec::new()) };
        assert_member_refused(member, &[what, "cifar-10-batches-bin/data_batch_1.bin"]);
    }
}

#[test]
fn headers_that_rename() {
    // The next member is batch 1, which is then missing.
    let long = Member { kind: EntryType::GNULongName, ..file("long", b"/etc/passwd\0".to_vec()) };
    assert_member_refused(long, &["lacks `cifar-10-batches-bin/data_batch_1.bin`"]);
    let pax = Member { kind: EntryType::XHeader, ..file("pax", b"20 path=/etc/passwd\n".to_vec()) };
    assert_member_refused(pax, &["lacks `cifar-10-batches-bin/data_batch_1.bin`"]);
    let all = Member { kind: EntryType::XGlobalHeader, ..file("pax", b"20 path=/etc/passwd\n".to_vec()) };
    assert_member_refused(all, &["cifar-10-batches-bin/pax", "`path`"]);
    let size = Member { kind: EntryType::XHeader, ..file("pax", b"15 size=100000\n".to_vec()) };
    assert_member_refused(size, &["cifar-10-batches-bin/pax", "`size`"]);
    let pax = Member { kind: EntryType::XHeader, ..file("pax", vec![b'x'; 100_000]) };
    assert_member_refused(pax, &["cifar-10-batches-bin/pax", "100000 bytes"]);
}

#[test]
fn wrong_sizes() {
    for size in [2 * RECORD + 1, 2 * RECORD - 1, RECORD, 3 * RECORD, 0] {
        let mut members = good_members();
        members[1].content = vec![0; size];
        let parts = [&members[1].name.clone(), &format!("{size} bytes"), "6146"];
        assert_refused(&archive_of(&members), &parts.map(|part| part as &str));
    }
    let mut members = good_members();
    members.push(file("readme.html", vec![0; 2 << 20]));
    assert_refused(&archive_of(&members), &["readme.html", "2097152 bytes"]);
}

#[test]
fn bombs_are_not_unpacked() {
    // The header claims 64 GB; that the refusal is quick shows that nobody looks for them.
    let mut tar = tar_of(&[file("data_batch_1.bin", Vec::new())]);
    let mut header = Header::new_gnu();
    header.as_mut_bytes().copy_from_slice(&tar[..512]);
    header.set_size(64 << 30);
    header.set_cksum();
    tar.splice(..512, header.as_bytes().iter().copied());
    assert_refused(&gzip(&tar), &["data_batch_1.bin", "68719476736 bytes"]);

    let mut tar = tar_of(&good_members());
    tar.extend(vec![0; 64 << 20]);
    assert_refused(&gzip(&tar), &["after the end of the tar archive"]);

    let pax = Member { kind: EntryType::XHeader, ..file("pax", b"22 mtime=1234567890.5\n".to_vec()) };
    assert_refused(&archive_of(&vec![pax; 300]), &["more than 256 members"]);
}

#[test]
fn duplicate_and_missing_members() {
    for index in 0..7 {
        let mut members = good_members();
        let name = members[index].name.clone();
        members.push(members[index].clone());
        assert_refused(&archive_of(&members), &[&name, "twice"]);
        members.pop();
        members.remove(index);
        assert_refused(&archive_of(&members), &[&name, "lacks"]);
    }
    assert_refused(&archive_of(&[]), &["lacks", "data_batch_5.bin", "test_batch.bin", "batches.meta.txt"]);
}

#[test]
fn bad_label() {
    let mut records = good_records();
    records[7][0] = 10; // The second record of batch 4.
    assert_refused(&archive_of(&members_of(&records)), &["data_batch_4.bin", "record 1", "label 10"]);
}

#[test]
fn wrong_class_names() {
    for (text, part) in [
        ("a\nb\nc\n", "3 class names"),
        ("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n", "11 class names"),
        ("a\na\nc\nd\ne\nf\ng\nh\ni\nj\n", "9 of them distinct"),
        ("\n\n", "0 class names"),
    ] {
        let mut members = good_members();
        members[0].content = text.into();
        assert_refused(&archive_of(&members), &["batches.meta.txt", part]);
    }
    let mut members = good_members();
    members[0].content = vec![0xff; 20];
    assert_refused(&archive_of(&members), &["batches.meta.txt", "not text"]);
    members[0].content = vec![b'\n'; 5000];
    assert_refused(&archive_of(&members), &["batches.meta.txt", "5000 bytes"]);
}

#[test]
fn damaged_streams() {
    let good = archive_of(&good_members());
    for length in [good.len() - 1, good.len() - 8, good.len() / 2, 5] {
        assert_refused(&good[..length], &["truncated"]);
    }
    assert_refused(&[], &[]);
    assert_refused(b"<html>this is not an archive, but an error page</html>", &["no gzipped tar archive"]);
    assert_refused(&gzip(b"this is no tar archive"), &[]);
    let mut wrong_sum = good.clone();
    let place = good.len() - 6;
    wrong_sum[place] ^= 1; // In the CRC-32, which stands before the length.
    assert_refused(&wrong_sum, &["checksum"]);
    let trailing = [&good[..], b"more"].concat();
    assert_refused(&trailing, &["trailing bytes"]);
    assert_refused(&good.repeat(2), &["after the end of the tar archive"]);
    let mut tar = tar_of(&good_members());
    tar.extend(b"more");
    assert_refused(&gzip(&tar), &["after the end of the tar archive"]);
    // A tar archive that ends within a member.
    let tar = tar_of(&good_members());
    assert_refused(&gzip(&tar[..4000]), &["truncated", "data_batch_1.bin"]);
}

#[test]
fn unreadable_archive() {
    let dir = tempfile::tempdir().unwrap();
    let error = unpack(&dir.path().join("absent"), &SMALL, dir.path()).expect_err("no such file");
    assert!(matches!(error, Error::Io { .. }) && error.to_string().contains("absent"), "{error}");
    let error = unpack(dir.path(), &SMALL, &dir.path().join("out")).expect_err("a directory");
    assert!(matches!(error, Error::Io { .. }), "the reader's error counts, not what follows from it: {error}");
}

/// CIFAR-10 itself, if it is on this machine.
fn real_archive() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/cifar-10-binary-reordered.tar.gz");
    let path = std::env::var_os("FPL_REPRO_CIFAR10").map_or(beside, PathBuf::from);
    path.exists().then_some(path)
}

#[test]
fn cifar10() {
    let Some(archive) = real_archive() else {
        println!("skipped: no CIFAR-10 here; name its archive in FPL_REPRO_CIFAR10");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let layout = Layout { format: &CIFAR10, train_records: 50_000, test_records: 10_000 };
    let unpacked = unpack(&archive, &layout, dir.path()).unwrap();
    println!("unpacked in {:.2} s", start.elapsed().as_secs_f64());
    assert_eq!(unpacked.archive_sha256, sha256_file(&archive).unwrap());
    assert_eq!(CIFAR10.content, Some([unpacked.train_content.as_str(), unpacked.test_content.as_str()]));
    assert_eq!(unpacked.classes, CIFAR10.classes);
    assert_eq!(fs::metadata(dir.path().join("train.bin")).unwrap().len(), 50_000 * 3073);
    assert_eq!(fs::metadata(dir.path().join("test.bin")).unwrap().len(), 10_000 * 3073);
    if unpacked.archive_bytes == 169_563_157 {
        // The copy with reordered records; the official archive has 170,052,171 bytes.
        let expected = "994495fcbcb715ff2f8f4da9f8c60846f59ddf761b461cf9c68a4d3c841b0575";
        assert_eq!(unpacked.archive_sha256, expected);
    }
}

/// CIFAR-100's layout: two labels, of which the second, the fine one, is the class.
#[test]
fn cifar100_keeps_the_fine_label() {
    let coarse_and_fine = |number: usize, fine: u8| [vec![19, fine], record(number)[1..].to_vec()].concat();
    let train: Vec<Vec<u8>> = (0..4).map(|number| coarse_and_fine(number, 96 + number as u8)).collect();
    let test = [coarse_and_fine(4, 0)];
    let member = |name: &str, content: Vec<u8>| Member {
        name: format!("cifar-100-binary/{name}"),
        kind: EntryType::Regular,
        content,
        link: "",
    };
    let names: String = CIFAR100.classes.iter().flat_map(|name| [name, "\n"]).collect();
    let members = |train: &[Vec<u8>]| {
        vec![
            member("coarse_label_names.txt", "aquatic_mammals\n".into()),
            member("fine_label_names.txt", names.clone().into()),
            member("test.bin", test.concat()),
            member("train.bin", train.concat()),
        ]
    };
    let layout = Layout { format: &CIFAR100, train_records: 4, test_records: 1 };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("archive.tar.gz");
    fs::write(&path, archive_of(&members(&train))).unwrap();
    let unpacked = unpack(&path, &layout, dir.path()).unwrap();
    assert_eq!(unpacked.train_content, content_of(&train), "of the records as the archive has them");
    assert_eq!(
        (unpacked.classes.len(), unpacked.classes[0].as_str(), unpacked.classes[99].as_str()),
        (100, "apple", "worm")
    );
    let written = fs::read(dir.path().join("train.bin")).unwrap();
    let fine: Vec<Vec<u8>> = train.iter().map(|record| record[1..].to_vec()).collect();
    assert_eq!(written, fine.concat());

    fs::write(&path, archive_of(&members(&[&train[..3], &[coarse_and_fine(3, 100)]].concat()))).unwrap();
    let message = unpack(&path, &layout, dir.path()).expect_err("there is no class 100").to_string();
    assert!(message.contains("record 3 has the label 100") && message.contains("0 to 99"), "{message}");
}

/// The records of a generated split.
fn generated(seed: u64, train: u32, test: u32) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let dir = tempfile::tempdir().unwrap();
    generate(seed, 10, train, test, dir.path()).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("classes.txt")).unwrap().trim(), NAMES.trim());
    let split = |name, records| {
        let bytes = fs::read(dir.path().join(name)).unwrap();
        assert_eq!(bytes.len(), records as usize * RECORD);
        bytes.chunks(RECORD).map(<[u8]>::to_vec).collect()
    };
    (split("train.bin", train), split("test.bin", test))
}

/// A hundred classes: as many images of each, distinct names, and classes that repeat a figure do not look alike.
#[test]
fn generated_classes_can_be_a_hundred() {
    let dir = tempfile::tempdir().unwrap();
    generate(7, 100, 5000, 100, dir.path()).unwrap();
    let names: BTreeSet<String> = class_names(100).into_iter().collect();
    assert_eq!((names.len(), class_names(12).pop()), (100, Some("automobile 2".to_owned())));
    let bytes = fs::read(dir.path().join("train.bin")).unwrap();
    let mut means = vec![[0.0; 3]; 100];
    let mut counts = [0; 100];
    for record in bytes.chunks(RECORD) {
        counts[usize::from(record[0])] += 1;
        for (channel, mean) in means[usize::from(record[0])].iter_mut().enumerate() {
            *mean += record[1 + 1024 * channel..][..1024].iter().map(|&value| f64::from(value)).sum::<f64>() / 51_200.0;
        }
    }
    assert_eq!(counts, [50; 100]);
    // Backgrounds vary by ±35 and brightness by ±30, uniformly, so a mean of 50 images has a standard deviation of about 4;
    // hues are 60 apart, less where the colour is cut off at black or white.
    let ships: Vec<[f64; 3]> = (0..10).map(|round| means[8 + 10 * round]).collect();
    let apart = |a: &[f64; 3], b: &[f64; 3]| a.iter().zip(b).any(|(a, b)| (a - b).abs() > 20.0);
    for (index, ship) in ships.iter().enumerate() {
        assert!(ships[..index].iter().all(|other| apart(ship, other)), "{ships:?}");
    }
}

#[test]
fn generated_images_do_not_change() {
    // No external truth: these digests are what the generator made when the test was written. They guard against
    // silent change, which would make old results with generated data look reproducible when they are not.
    let (train, test) = generated(7, 40, 20);
    assert_eq!(sha256_bytes(&train.concat()), "632de66af333dc4d99fd1354b8b2bf83adb9ebda5b518d5e7bae65c8fbbead15");
    assert_eq!(sha256_bytes(&test.concat()), "86c0c7a4fe8cb9ea34ac6992cffb55bced820eb97e7bf2fb70af1ea1393df14d");
    assert_eq!(generated(7, 40, 20), (train.clone(), test));
    assert_ne!(generated(8, 40, 20).0, train);
    // The size of one split does not touch the other.
    assert_eq!(generated(7, 40, 0).0, train);
}

#[test]
fn generated_classes_are_balanced_and_shuffled() {
    let (train, test) = generated(1, 203, 100);
    let counts = |records: &[Vec<u8>]| {
        let mut counts = [0; 10];
        for record in records {
            counts[usize::from(record[0])] += 1;
        }
        counts
    };
    assert_eq!(counts(&train), [21, 21, 21, 20, 20, 20, 20, 20, 20, 20]);
    assert_eq!(counts(&test), [10; 10]);
    assert!(train.windows(2).filter(|pair| pair[0][0] > pair[1][0]).count() > 50, "not in order");
    let distinct: std::collections::BTreeSet<_> = train.iter().chain(&test).collect();
    assert_eq!(distinct.len(), 303);
}

/// Per class, the mean of its images.
fn class_means(records: &[Vec<u8>]) -> Vec<Vec<f64>> {
    let mean = |label| {
        let of_class: Vec<_> = records.iter().filter(|record| usize::from(record[0]) == label).collect();
        let sum = |index| of_class.iter().map(|record| f64::from(record[index])).sum::<f64>();
        (1..RECORD).map(|index| sum(index) / of_class.len() as f64).collect()
    };
    (0..10).map(mean).collect()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn some_generated_classes_are_alike() {
    let means = class_means(&generated(3, 2000, 0).0);
    // Airplane and bird, automobile and truck, cat and dog, deer and horse.
    let alike = [(0, 2), (1, 9), (3, 5), (4, 7)];
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for a in 0..10 {
        for b in a + 1..10 {
            let distances = if alike.contains(&(a, b)) { &mut near } else { &mut far };
            distances.push(distance(&means[a], &means[b]));
        }
    }
    let most = near.iter().copied().fold(0.0, f64::max);
    let least = far.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(most < least, "alike: {near:?}, others: {far:?}");
}

#[test]
fn generated_classes_can_be_learnt_but_not_perfectly() {
    let (train, test) = generated(5, 500, 500);
    let means = class_means(&train);
    let right = test.iter().filter(|record| {
        let image: Vec<_> = record[1..].iter().map(|value| f64::from(*value)).collect();
        let nearest = (0..10).min_by(|a, b| distance(&means[*a], &image).total_cmp(&distance(&means[*b], &image)));
        nearest == Some(usize::from(record[0]))
    });
    // The nearest class mean is about the simplest classifier there is; chance is 50 of 500.
    let right = right.count();
    println!("nearest class mean: {right} of 500");
    assert!((150..450).contains(&right), "{right} of 500");
}
