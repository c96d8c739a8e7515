package check

// Doc is what `podproof explain` and the page of a check tell beside its promise and its fix.
type Doc struct {
	Tried   string // what is done to which pod, and for how long; or what is read
	Decided string // what passes, what fails, and what leaves it inconclusive
	Stacks  []Stack
}

// Stack is how the promise is kept with a program that many use.
type Stack struct{ Name, Fix string }

// Doc returns what there is to tell of a check; each of the catalogue has one.
func (c Check) Doc() Doc { return docs[c.ID] }

// The ways of the common stacks, where they differ.
var (
	endsInOrder = []Stack{
		{"uvicorn", "CMD [\"uvicorn\", \"app:app\", …] in exec form; it ends on SIGTERM by itself. --timeout-graceful-shutdown, below the grace period, bounds how long it waits for requests."},
		{"gunicorn", "Exec form; the master takes SIGTERM and gives its workers --graceful-timeout (30 s by default) to finish. Keep that below terminationGracePeriodSeconds."},
		{"Node", "Start node itself, not npm: CMD [\"node\", \"server.js\"]. Node as PID 1 has no default for SIGTERM: process.on('SIGTERM', () => server.close(() => process.exit(0)))."},
		{"Spring Boot", "Exec form with java -jar; server.shutdown=graceful, and spring.lifecycle.timeout-per-shutdown-phase below the grace period. The JVM exits with 143 after SIGTERM: list it in termination.exitCodes."},
		{"Go", "signal.NotifyContext for SIGTERM, http.Server.Shutdown with a deadline, and wait until it has returned before main does."},
		{"nginx", "Its official images set STOPSIGNAL SIGQUIT, which lets it finish what was begun; keep that, and the exec form with `daemon off;`."},
	}
	keepsServing = []Stack{
		{"uvicorn, gunicorn, nginx", "They stop accepting at once: put lifecycle: {preStop: {sleep: {seconds: 5}}} on the container."},
		{"Node", "preStop sleep, or a delay before server.close(); let readiness fail meanwhile."},
		{"Spring Boot", "preStop sleep, since graceful shutdown closes the listener at once."},
		{"Go", "preStop sleep, or a pause between SIGTERM and http.Server.Shutdown."},
	}
	poolsAndTimes = []Stack{
		{"Python (SQLAlchemy)", "create_engine(pool_pre_ping=True, pool_timeout=…, connect_args={\"connect_timeout\": …}), and a statement_timeout."},
		{"Node (pg)", "new Pool({connectionTimeoutMillis, query_timeout, idleTimeoutMillis}), and a handler of the pool's 'error' event, without which a lost idle connection ends the process."},
		{"Spring Boot (HikariCP)", "spring.datasource.hikari.connection-timeout and validation-timeout; a socketTimeout in the JDBC URL."},
		{"Go (database/sql)", "QueryContext with a deadline, SetConnMaxLifetime; database/sql replaces broken connections by itself."},
	}
	probesApart = []Stack{
		{"FastAPI, Flask", "Two routes: one that answers at once for liveness, one that runs SELECT 1 with a short time limit for readiness."},
		{"Spring Boot", "management.endpoint.health.probes.enabled=true; add db to management.endpoint.health.group.readiness.include, and never to the group liveness."},
		{"Node, Go", "Two handlers; the one for readiness asks the dependency with a deadline shorter than the probe's timeoutSeconds."},
	}
	settingsFirst = []Stack{
		{"Python", "pydantic-settings: a field without a default, read at import; print the fields' names alone (hide_input_in_errors=True)."},
		{"Node", "Read process.env once at the top (a schema of zod or envalid), and process.exit(1) where something is missing."},
		{"Spring Boot", "@ConfigurationProperties with @Validated, or ${NAME} without a default; name the variable in the message."},
		{"Go", "Read all of os.Getenv in one function before anything else, and os.Exit(1) with the names that are missing."},
	}
	ownLayer = []Stack{
		{"pip, uv", "COPY requirements.txt (or pyproject.toml uv.lock) first; RUN pip install --require-hashes -r requirements.txt, or uv sync --locked --no-install-project; COPY the source after it."},
		{"npm", "COPY package.json package-lock.json first; RUN npm ci; COPY the source after it."},
		{"Maven, Gradle", "COPY pom.xml and RUN mvn dependency:go-offline, or COPY build.gradle settings.gradle gradle.lockfile and RUN gradle dependencies, before COPY src."},
		{"Go", "COPY go.mod go.sum; RUN go mod download; COPY the source after it."},
	}
	productionServers = []Stack{
		{"uvicorn", "Without --reload; several processes by --workers or by gunicorn."},
		{"Flask, Django", "gunicorn, and not flask run or manage.py runserver; no FLASK_DEBUG, and DEBUG=False."},
		{"Node", "node dist/server.js, next start; no nodemon, no --inspect, NODE_ENV=production."},
		{"Spring Boot", "Without spring-boot-devtools and without -agentlib:jdwp."},
	}
	leanImages = []Stack{
		{"uv, pip", "uv sync --no-dev --locked in a builder stage, and COPY the virtual environment alone."},
		{"npm", "npm ci --omit=dev in the last stage."},
		{"Spring Boot", "A JRE, not a JDK, in the last stage; layered jars without the test scope."},
		{"Go", "CGO_ENABLED=0 go build in a builder stage; COPY the binary into scratch or distroless."},
	}
	writesElsewhere = []Stack{
		{"Python", "PYTHONDONTWRITEBYTECODE=1, or python -m compileall in the Dockerfile; an emptyDir on /tmp."},
		{"gunicorn", "--worker-tmp-dir /dev/shm, or an emptyDir on /tmp."},
		{"Node", "An emptyDir for caches (.next/cache, ~/.npm)."},
		{"Spring Boot", "Tomcat writes its work folder below java.io.tmpdir: an emptyDir on /tmp."},
		{"nginx", "emptyDirs on /var/cache/nginx and /var/run, or the image nginx-unprivileged."},
	}
	logsToStdout = []Stack{
		{"gunicorn", "--access-logfile - (its error log goes to stderr already)."},
		{"Spring Boot", "The console appender is the default: leave logging.file.name out."},
		{"nginx", "access_log /dev/stdout; error_log /dev/stderr; its official images link the files there."},
	}
	numericUser = []Stack{
		{"Python, Go", "USER 1001:1001 at the end of the last stage; a port above 1024."},
		{"Node", "The official images bring the user node: write USER 1000:1000, its numbers."},
		{"Spring Boot", "Buildpacks set a user already; in a Dockerfile USER 1001:1001."},
		{"nginx", "The image nginx-unprivileged (USER 101, port 8080)."},
	}
)
