// SPDX-License-Identifier: Apache-2.0
import { render } from "preact";
import "bootstrap/dist/css/bootstrap.min.css";
import "./style/portal.css";
import { App } from "./app";

render(<App />, document.getElementById("app")!);
