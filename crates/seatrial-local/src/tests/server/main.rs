//! The application of tests: answers `ok`, and says what it is told by its environment.

use std::io::{BufRead as _, BufReader, Write as _};
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
    let host = variable("HOST").or_else(|| variable("LISTEN")).unwrap_or_else(|| "0.0.0.0".to_owned());
    let listener = TcpListener::bind(format!("{host}:{}", variable("PORT").unwrap())).unwrap();
    println!("listening");
    for stream in listener.incoming().flatten() {
        let _ = answer(&stream);
    }
}

fn answer(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let fails = variable("FAIL").is_some() && !first.contains(" /healthz");
    let status = if fails { "500 Oops" } else { "200 OK" };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
}
