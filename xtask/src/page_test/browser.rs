//! A headless Chromium, driven by its DevTools protocol.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

/// One browser with one page.
pub(super) struct Browser {
    process: Child,
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    session: String,
    number: u64,
    /// What the page told of itself since it was last asked: errors, requests.
    pub events: Vec<Value>,
    _profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Browser {
    pub(super) fn start(program: &str) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("failed to start `{program}`: {error}");
        let profile = tempfile::tempdir().map_err(|error| failed(&error))?;
        let mut command = Command::new(program);
        command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
        command.args(["--no-first-run", "--disable-background-networking", "--remote-debugging-port=0"]);
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut process = process.map_err(|error| failed(&error))?;
        let told = BufReader::new(process.stderr.take().ok_or_else(|| failed(&"it tells nothing"))?);
        let mut told = told.lines().map_while(Result::ok);
        let address = told.find_map(|line| line.strip_prefix("DevTools listening on ").map(str::to_owned));
        let Some(address) = address else {
            let _ = process.kill();
            return Err(failed(&"it ended at once"));
        };
        // It must never wait for a reader.
        std::thread::spawn(move || told.for_each(drop));
        let (socket, _) = tungstenite::connect(address.trim()).map_err(|error| failed(&error))?;
        let (session, events) = (String::new(), Vec::new());
        let mut browser = Self { process, socket, session, number: 0, events, _profile: profile };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.ask("Target.attachToTarget", attach)?;
        browser.session = session["sessionId"].as_str().unwrap_or_default().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network", "Performance"] {
            browser.ask(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(browser)
    }

    /// Sends a command and answers its result; what comes meanwhile is kept.
    pub(super) fn ask(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let failed = |error: &dyn std::fmt::Display| format!("{method}: {error}");
        self.socket.send(Message::text(message.to_string())).map_err(|error| failed(&error))?;
        loop {
            let told = self.read().map_err(|error| failed(&error))?;
            if told["id"] != self.number {
                self.events.push(told);
                continue;
            }
            return match told.get("error") {
                Some(error) => Err(failed(error)),
                None => Ok(told["result"].clone()),
            };
        }
    }

    fn read(&mut self) -> Result<Value, String> {
        loop {
            if let Message::Text(text) = self.socket.read().map_err(|error| error.to_string())? {
                return serde_json::from_str(&text).map_err(|error| error.to_string());
            }
        }
    }

    /// Opens an address, and waits until it is loaded.
    pub(super) fn open(&mut self, address: &str) -> Result<(), String> {
        self.events.clear();
        self.ask("Page.navigate", json!({ "url": address }))?;
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let told = self.read()?;
            self.events.push(told);
        }
        Ok(())
    }

    /// What an expression of the page is; a promise is waited for.
    pub(super) fn value(&mut self, expression: &str) -> Result<Value, String> {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.ask("Runtime.evaluate", params)?;
        match result.get("exceptionDetails") {
            Some(error) => Err(format!("`{expression}`: {error}")),
            None => Ok(result["result"]["value"].clone()),
        }
    }

    /// Waits until an expression is true, looking with every frame; at most 20 s.
    pub(super) fn until(&mut self, expression: &str) -> Result<(), String> {
        let look = format!(
            "new Promise((done) => {{ const began = performance.now(); const look = () => ({expression}) ? done(true) : \
             performance.now() - began > 20000 ? done(false) : requestAnimationFrame(look); look(); }})"
        );
        match self.value(&look)? {
            Value::Bool(true) => Ok(()),
            _ => Err(format!("it never came to be that `{expression}`")),
        }
    }

    pub(super) fn look(&mut self, width: u32, height: u32, scheme: &str) -> Result<(), String> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", size)?;
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.ask("Emulation.setEmulatedMedia", features).map(drop)
    }

    pub(super) fn key(&mut self, key: &str) -> Result<(), String> {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "ArrowLeft" => 37,
            _ => 39,
        };
        for kind in ["keyDown", "keyUp"] {
            let text = if key == "Enter" && kind == "keyDown" { "\r" } else { "" };
            let event =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
            self.ask("Input.dispatchKeyEvent", event)?;
        }
        Ok(())
    }

    /// A picture of all of the page.
    pub(super) fn picture(&mut self, path: &Path) -> Result<(), String> {
        // Else the page is laid out anew, as wide as its bar, and the picture is not.
        self.ask("Emulation.setScrollbarsHidden", json!({ "hidden": true }))?;
        self.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")?;
        // By itself the browser takes a picture as wide as the page was with its bar.
        let all =
            "({x: 0, y: 0, width: innerWidth, height: document.documentElement.scrollHeight, scale: 1})";
        let clip = self.value(all)?;
        let how = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let shot = self.ask("Page.captureScreenshot", how)?;
        self.ask("Emulation.setScrollbarsHidden", json!({ "hidden": false }))?;
        let script = "import base64,sys;open(sys.argv[1],'wb').write(base64.b64decode(sys.stdin.read()))";
        let mut python = Command::new("python3");
        python.args(["-c", script]).arg(path).stdin(Stdio::piped());
        let mut child = python.spawn().map_err(|error| error.to_string())?;
        if let Some(mut stdin) = child.stdin.take() {
            let data = shot["data"].as_str().unwrap_or_default();
            std::io::Write::write_all(&mut stdin, data.as_bytes()).map_err(|error| error.to_string())?;
        }
        child.wait().map(drop).map_err(|error| error.to_string())
    }

    /// How many seconds of scripts there were so far.
    pub(super) fn scripting(&mut self) -> Result<f64, String> {
        let metrics = self.ask("Performance.getMetrics", json!({}))?;
        let mut metrics = metrics["metrics"].as_array().into_iter().flatten();
        let found = metrics.find(|metric| metric["name"] == "ScriptDuration");
        Ok(found.and_then(|metric| metric["value"].as_f64()).unwrap_or_default())
    }
}
