package check

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

func setting(env ...string) evidence.Evidence {
	e := startsLine("/shop")
	e.Image.Config.Env = append(e.Image.Config.Env, env...)
	for _, v := range env {
		e.Image.History = append(e.Image.History, evidence.History{CreatedBy: "ENV " + v, EmptyLayer: true, Layer: -1})
	}
	return e
}

func startsLine(line string, files ...evidence.EntryFile) evidence.Evidence {
	return imageStarting(strings.Fields(line), files...)
}

var devServerExamples = []example{
	{name: "a program", c: goodContract(), e: startsLine("/shop"), want: Pass, says: []string{"No dev server OK"}},
	{name: "gunicorn", c: goodContract(), e: startsLine("gunicorn app:app --workers 4"), want: Pass},
	{name: "nothing", c: goodContract(), e: imageStarting(nil), want: Skipped},
	{name: "reload", c: goodContract(), e: startsLine("uvicorn app:app --reload"), want: Fail, says: []string{"`uvicorn app:app --reload`: it restarts when a file changes"}},
	{name: "a module", c: goodContract(), e: startsLine("python3 -m flask --app shop run"), want: Fail, says: []string{"a development server"}},
	{name: "in a shell", c: goodContract(), e: imageStarting([]string{"sh", "-c", "python manage.py migrate && exec python manage.py runserver 0.0.0.0:8000"}), want: Fail, says: []string{"runserver"}},
	{name: "behind an init and a runner", c: goodContract(), e: startsLine("tini -- uv run --frozen fastapi dev app.py"), want: Fail},
	{name: "npx", c: goodContract(), e: startsLine("npx next dev"), want: Fail},
	{name: "a script's name", c: goodContract(), e: startsLine("npm run dev"), want: Fail, says: []string{"the script dev"}},
	{name: "what a script says", c: goodContract(), e: startsLine("npm start", packageJSON("start", "NODE_ENV=x nodemon server.js")), want: Fail, says: []string{"package.json, script start", "nodemon"}},
	{name: "a script with a name for development, which starts a server", c: goodContract(), e: startsLine("npm run dev", packageJSON("dev", "node server.js")), want: Pass, says: []string{"the script dev"}},
	{name: "a script of a shell", c: goodContract(), e: startsLine(entrypoint, scriptOf(entrypoint, "exec php -S 0.0.0.0:80")), want: Fail},
	{name: "a branch that is not known", c: goodContract(), e: startsLine(entrypoint, scriptOf(entrypoint, "if [ -n \"$DEV\" ]; then exec flask run; fi\nexec gunicorn x")), want: Pass, says: []string{"`flask run`", "as far as podproof can tell"}},
	{name: "a branch that the argument does not choose", c: goodContract(), e: startsLine(entrypoint+" web", scriptOf(entrypoint, "case $1 in dev) exec flask run;; web) exec gunicorn x;; esac")), want: Pass, hides: []string{"flask run"}},
	{name: "a program called as a tool that reloads", c: goodContract(), e: startsLine("/app/gin --port 80"), want: Pass, says: []string{"as far as podproof can tell"}},
	{name: "a variable", c: goodContract(), e: setting("FLASK_DEBUG=1"), want: Fail, says: []string{"(ENV FLASK_DEBUG=1): FLASK_DEBUG=1: a debug mode is on"}},
	{name: "a variable that is off", c: goodContract(), e: setting("FLASK_DEBUG=0", "DEBUG=", "DEBUG_COLORS=1", "LOG_LEVEL=debug", "NODE_ENV=production", "DEBUG=app:*"), want: Pass},
	{name: "gin's mode for development", c: goodContract(), e: setting("GIN_MODE=debug"), want: Fail, says: []string{"a debug mode is on"}},
	{name: "XDebug", c: goodContract(), e: setting("XDEBUG_MODE=develop,debug"), want: Fail, says: []string{"a debug mode is on"}},
	{name: "gin's mode and XDebug's, both off", c: goodContract(), e: setting("GIN_MODE=release", "XDEBUG_MODE=off"), want: Pass},
	{name: "an environment of the image's own", c: goodContract(), e: setting("ENVIRONMENT=development"), want: Pass, says: []string{"may be that of development"}},
	{name: "an environment of the image's own that is production", c: goodContract(), e: setting("ENVIRONMENT=production"), want: Pass, hides: []string{"may be that of"}},
	{name: "a variable that says no environment", c: goodContract(), e: setting("BANNER=development"), want: Pass, hides: []string{"may be that of"}},
	{name: "settings of Django for development", c: goodContract(), e: setting("DJANGO_SETTINGS_MODULE=shop.settings.local"), want: Pass, says: []string{"may be those of development"}},
	{name: "the manifest's value goes before", c: goodContract(), want: Pass, e: func() evidence.Evidence {
		e := container(func(c *corev1.Container) { c.Env = []corev1.EnvVar{{Name: "NODE_ENV", Value: "production"}} })
		e.Image.Config.Env = append(e.Image.Config.Env, "NODE_ENV=development")
		return e
	}()},
	{name: "the manifest's own", c: goodContract(), want: Fail, says: []string{"Deployment api, container api, env NODE_ENV"}, e: container(func(c *corev1.Container) {
		c.Env = []corev1.EnvVar{{Name: "NODE_ENV", Value: "development"}}
	})},
	{name: "only the configuration was read", c: goodContract(), e: unread(), want: Inconclusive},
	{name: "not observed", c: goodContract(), e: noImage(), want: Inconclusive},
}

// imageStarting is an image with that command, whose layers were read, without any pod.
func imageStarting(command []string, files ...evidence.EntryFile) evidence.Evidence {
	e := fileImage(func(i *evidence.Image) { i.Config.Cmd, i.Entry = command, files })
	e.Workload, e.Termination = nil, nil
	return e
}

func TestDevServer(t *testing.T) {
	for _, line := range []string{"flask run", "flask --debug run", "/venv/bin/flask run -p 1", "python manage.py runserver_plus", "./manage.py runserver", "django-admin runserver", "fastapi dev", "quart run",
		"uvicorn x --reload", "uvicorn x --reload=true", "gunicorn --reload x", "hypercorn --reload x", "python -m uvicorn x --reload", "python -m http.server 80", "python -m debugpy --listen 1 x.py", "python -X dev x.py", "watchmedo auto-restart x",
		"next dev", "node node_modules/.bin/next dev", "nuxt dev", "vite", "vite --host", "vite preview", "ng serve", "react-scripts start", "vue-cli-service serve", "webpack serve", "webpack --watch", "gatsby develop", "nodemon x.js",
		"ts-node-dev x.ts", "tsx watch x.ts", "node --watch x.js", "node --inspect x.js", "node --inspect=0.0.0.0:9229 x.js", "node --enable-source-maps --inspect-brk x.js", "nodejs --inspect x.js", "bun --inspect x.ts", "deno run --inspect x.ts", "tsx --inspect x.ts", "ts-node --inspect x.ts", "bun --hot x.ts", "bun run --watch x.ts", "deno run --watch x.ts",
		"nest start --watch", "php -S 0.0.0.0:80", "php artisan serve", "symfony server:start", "php bin/console server:run", "dotnet watch run", "mvn spring-boot:run", "./gradlew bootRun", "java -agentlib:jdwp=transport=dt_socket,address=5005 -jar x.jar",
		"ruby -run -e httpd", "rails server -e development", "mkdocs serve", "dlv exec /shop", "cargo watch -x run", "hugo server", "air -c .air.toml"} {
		if what, sure := devServer(strings.Fields(line)); what == "" || !sure {
			t.Errorf("%q: %q, %t", line, what, sure)
		}
	}
	for _, line := range []string{"flask db upgrade", "python manage.py migrate", "uvicorn x", "uvicorn x --reload=false", "gunicorn x", "fastapi run", "next start", "node server.js --watch", "node server.js", "vite build", "ng build", "webpack", "nest start",
		"node dist/main.js", "php-fpm", "php artisan octane:start", "dotnet shop.dll", "java -jar x.jar", "rails server -e production", "bun server.ts", "deno run x.ts", "/shop dev", "/shop --inspect", "/shop --watch", "java --watch -jar x.jar", "hugo", "python -m gunicorn x", "python -c x", "tsx x.ts", "nuxt start", ""} {
		if what, _ := devServer(append(strings.Fields(line), "")); what != "" {
			t.Errorf("%q: %q", line, what)
		}
	}
}
