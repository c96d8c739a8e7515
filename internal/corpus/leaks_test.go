package corpus

func copies(files ...file) func(*recipe) {
	return func(r *recipe) { r.copy(". .", files...) }
}

var sourceLeaks = []specimen{
	{planted: "tests beside the pages of a web framework", fails: []string{leaks}, at: []string{"/app/src/tests"}, plant: copies(text("app/src/tests/cart.js", "x"), text("app/src/app/shop/page.js", "x"))},
	{planted: ".git", fails: []string{leaks}, at: []string{"/app/.git", "layer 5", "COPY . .", "2 files", "reachable"},
		plant: copies(text("app/.git/HEAD", "ref: refs/heads/main\n"), text("app/.git/index", "DIRC\x00"))},
	{planted: ".git that a later layer deleted", fails: []string{leaks}, at: []string{"/app/.git", "layer 5", "history only"}, plant: func(r *recipe) {
		copies(text("app/.git/HEAD", "ref: refs/heads/main\n"))(r)
		r.run("rm -r .git", gone("app/.git"))
	}},
	{planted: "tests/ of the program", fails: []string{leaks}, at: []string{"/app/tests", "2 files"}, plant: copies(text("app/tests/test_main.py", ""), text("app/tests/conftest.py", ""))},
	{planted: "a test beside the code", fails: []string{leaks}, at: []string{"/app/main_test.go"}, plant: copies(text("app/main_test.go", "package main\n"))},
	{planted: "alembic, which is not installed", fails: []string{leaks}, at: []string{"/app/alembic"}, plant: copies(text("app/alembic/env.py", ""), text("app/alembic.ini", "[alembic]\n"))},
	{planted: "the virtual environment of another machine", fails: []string{leaks}, at: []string{"/app/.venv", "another machine"},
		plant: copies(text("app/.venv/pyvenv.cfg", "home = /Users/me/.pyenv/versions/3.12/bin\n"), text("app/.venv/lib/x.py", ""))},
	{planted: "bytecode of another Python", fails: []string{leaks}, at: []string{"/app/__pycache__", "another Python"}, plant: copies(text("app/__pycache__/main.cpython-39.pyc", "a\r\r\n"))},
	{planted: "node_modules/.cache", fails: []string{leaks}, plant: copies(text("app/node_modules/.cache/babel/x.json", "{}"))},
	{planted: ".pytest_cache", fails: []string{leaks}, plant: copies(text("app/.pytest_cache/v/x", "{}"))},
	{planted: "an editor's files", fails: []string{leaks}, at: []string{"/app/.vscode"}, plant: copies(text("app/.vscode/launch.json", "{}"))},
	{planted: "a swap file of vim", fails: []string{leaks}, plant: copies(text("app/.main.py.swp", "b0VIM"))},
	{planted: "settings of a CI", fails: []string{leaks}, at: []string{"/app/.github"}, plant: copies(text("app/.github/workflows/ci.yml", "on: push\n"))},
	{planted: "the Dockerfile", fails: []string{leaks}, at: []string{"/app/Dockerfile.prod"}, plant: copies(text("app/Dockerfile.prod", "FROM scratch\n"))},
	{planted: ".env without a secret in it", fails: []string{leaks}, at: []string{"/app/.env"}, plant: copies(text("app/.env", "PORT=8000\nLOG_LEVEL=info\n"))},
	{planted: "what the contract forbids", fails: []string{leaks}, at: []string{"/app/docs", "files.forbid"}, plant: func(r *recipe) {
		copies(text("app/docs/plan.md", "secret plan\n"))(r)
		r.contract.Files.Forbid = []string{"/app/docs"}
	}},
	{planted: "what the contract forbids, deleted later", fails: []string{leaks}, at: []string{"/app/plan.docx", "history only"}, plant: func(r *recipe) {
		copies(text("app/plan.docx", "PK"))(r)
		r.run("rm", gone("app/plan.docx"))
		r.contract.Files.Forbid = []string{"*.docx"}
	}},
}

var harmlessLeftovers = []specimen{
	{planted: "a page of a web framework that is called tests", like: leaks, plant: copies(text("app/.next/server/app/tests/page.js", "x"), text("app/.next/server/app/test/[id]/page.js", "x"), text("app/.next/static/chunks/app/tests/page-0a1b.js", "x"),
		text("app/src/routes/tests/+page.svelte", "x"), text("srv/app/tests/page.js", "x"))},
	{planted: "tests in a dependency's own folder", like: leaks,
		plant: installs("numpy", "2.1.0", text(site+"numpy/tests/test_x.py", ""), text(site+"numpy/conftest.py", ""))},
	{planted: "a folder called tests at the top of site-packages, of a dependency", like: leaks,
		plant: installs("sloppy", "1.0", text(site+"tests/__init__.py", ""), text(site+"tests/test_sloppy.py", ""))},
	{planted: "a node package with a test/ folder", like: leaks,
		plant: func(r *recipe) {
			r.run("npm ci", node("qs", "6.13.0"), text("app/node_modules/qs/test/parse.js", ""), text("app/node_modules/qs/.github/FUNDING.yml", ""), text("app/node_modules/qs/Dockerfile", ""))
		}},
	{planted: "tests of Python itself", like: leaks, plant: func(r *recipe) {
		r.run("make install", text("usr/local/lib/python3.12/test/test_os.py", ""), text("usr/local/lib/python3.12/unittest/test/x.py", ""))
	}},
	{planted: "the command test", like: leaks, plant: func(r *recipe) { r.run("install", exe("usr/bin/test", elf)) }},
	{planted: "names that only begin or end like tests", like: leaks,
		plant: copies(text("app/contests/views.py", ""), text("app/testing.py", ""), text("app/latest.py", ""), text("app/attest/x.py", ""), text("app/test", "a file\n"))},
	{planted: "alembic, which is installed", like: leaks, at: []string{"alembic"}, plant: func(r *recipe) {
		installs("alembic", "1.13.0")(r)
		copies(text("app/alembic/env.py", ""), text("app/alembic.ini", "[alembic]\n"))(r)
	}},
	{planted: "migrations of Django", like: leaks, plant: copies(text("app/shop/migrations/0001_initial.py", ""))},
	{planted: "the virtual environment of this image", like: leaks, plant: func(r *recipe) {
		r.run("uv sync", text("app/.venv/pyvenv.cfg", "home = /usr/local/bin\nversion = 3.12\n"), link("app/.venv/bin/python", "/usr/local/bin/python3"))
	}},
	{planted: "bytecode of this Python", like: leaks, plant: copies(text("app/__pycache__/main.cpython-312.pyc", "a\r\r\n"), text("app/__pycache__/x.cpython-312.opt-1.pyc", "a"))},
	{planted: ".env.example", like: leaks, plant: copies(text("app/.env.example", "DB_PASSWORD=hunter2\n"))},
	{planted: ".gitkeep and .gitattributes", like: leaks, plant: copies(text("app/static/.gitkeep", ""), text("app/.gitattributes", "* text\n"))},
	{planted: "tests, which the contract allows", like: leaks, plant: func(r *recipe) {
		copies(text("app/tests/smoke.py", ""))(r)
		r.contract.Files.Allow = []string{"/app/tests"}
	}},
	{planted: "a Go module's own tests in the module cache", like: leaks,
		plant: func(r *recipe) {
			r.run("go mod download", text("go/pkg/mod/golang.org/x/text@v0.3.0/width/width_test.go", "package width\n"))
		}},
}
