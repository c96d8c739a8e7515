package secrets

import "testing"

// Of a lookup only what goes on with a value that stands for the variable is worth a closer look.
func TestGivesMore(t *testing.T) {
	for text, want := range map[string]bool{
		`process.env.A ?? "x"`: true, `process.env.A??"x"`: true, `process.env["A"] || "x"`: true, `process.env?.A || 'x'`: true, "process.env.A! ?? `x`": true, `process.env.A !== null && y !== void 0 ? z : "x"`: true,
		`environ.get("A") or "x"`: true, `environ.get("A", "x")`: true, `getenv( 'A' ) ?: 'x'`: true, "environ.get(\n  'A',\n  'x')": true, `ENV.fetch("A") { "x" }`: true, `env::var("A").unwrap_or("x".into())`: true,
		`onfigService.get<string>('A', 'x')`: true, `.str("A", default="x")`: true, `(process.env.A) || "x"`: false,
		`environ["A"]`: false, `environ["A"]; x = "y"`: false, `process.env.A, "x"`: false, `process.env.A`: false, `env("A")`: false, `env(a, "x")`: false, `environ`: false, ``: false, `:`: false, `env("A`: false, `env(`: false,
	} {
		if got := givesMore([]byte(text)); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}

func TestLiteralNext(t *testing.T) {
	for text, want := range map[string]bool{`"x"`: true, ` 'x'`: true, "`x`": true, `r"x"`: true, `default="x"`: true, `alias="x"`: false, `raw`: false, `r`: false, ``: false, `...`: false} {
		if got := literalNext([]byte(text)); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}
