//! The application of tests: answers `ok`, and says what it is told by its environment.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

unsafe extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn write(file: i32, text: *const u8, length: usize) -> isize;
    fn _exit(code: i32) -> !;
}

extern "C" fn bye(_: i32) {
    // SAFETY: both may be called in a handler of a signal.
    unsafe {
        write(1, b"bye\n".as_ptr(), 4);
        _exit(0)
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn main() {
    if variable("DEAF").is_none() {
        // SAFETY: the handler only calls what may be called in one.
        unsafe { signal(15, bye) };
    }
    println!("secret {}", variable("SECRET").unwrap_or_default());
    if let Some(code) = variable("CRASH") {
        std::process::exit(code.parse().unwrap());
    }
    if variable("SHOW").is_some() {
        show();
    }
    let host = variable("HOST").or_else(|| variable("LISTEN")).unwrap_or_else(|| "0.0.0.0".to_owned());
    let listener = TcpListener::bind(format!("{host}:{}", variable("PORT").unwrap())).unwrap();
    println!("listening");
    for stream in listener.incoming().flatten() {
        let _ = answer(&stream);
    }
}

/// Says the names of all variables, what it gets where its credentials are, and what becomes of connections.
fn show() {
    let mut names: Vec<_> = std::env::vars().map(|(name, _)| name).collect();
    names.sort();
    println!("variables {}", names.join(" "));
    for name in ["RELATIVE_URI", "FULL_URI"].map(|name| format!("AWS_CONTAINER_CREDENTIALS_{name}")) {
        println!("{name} {}", variable(&name).unwrap_or_default());
    }
    println!("token {}", variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").unwrap_or_default());
    let own = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    for (label, path) in [("own", own), ("other", variable("OTHER"))] {
        let Some(path) = path else { continue };
        println!("{label} {}", fetch(&path).unwrap_or_else(|error| error.to_string()));
    }
    for address in variable("TRY").iter().flat_map(|addresses| addresses.split(',')) {
        let patience = std::time::Duration::from_millis(700);
        let tried = TcpStream::connect_timeout(&address.parse().unwrap(), patience);
        println!("{address} {}", tried.map_or_else(|error| format!("{:?}", error.kind()), |_| "Reached".to_owned()));
    }
}

fn fetch(path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect("169.254.170.2:80")?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 169.254.170.2\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split_once("\r\n\r\n").map_or(answer.clone(), |(_, body)| body.to_owned()))
}

fn answer(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let fails = variable("FAIL").is_some() && !first.contains(" /healthz");
    let status = if fails { "500 Oops" } else { "200 OK" };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
}
