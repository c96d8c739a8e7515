package contract

import (
	"maps"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"
)

// nouns are the kinds of dependencies that podproof knows, and what each is in a sentence.
var nouns = map[string]string{
	"postgres": "database", "mysql": "database", "mariadb": "database", "mongodb": "database", "mssql": "database", "oracle": "database",
	"cockroachdb": "database", "cassandra": "database", "clickhouse": "database", "neo4j": "database", "influxdb": "database", "etcd": "store",
	"redis": "cache", "valkey": "cache", "memcached": "cache",
	"rabbitmq": "queue", "activemq": "queue", "kafka": "broker", "nats": "broker", "mqtt": "broker", "pulsar": "broker",
	"elasticsearch": "search engine", "opensearch": "search engine",
	"s3": "object store", "http": "service", "grpc": "service", "ldap": "directory", "smtp": "mail server",
	"tcp": "dependency",
}

// Kinds are those that a contract may name: "tcp" is for what is none of the others.
var Kinds = slices.Sorted(maps.Keys(nouns))

// images are the names under which programs of a kind are published, beside the kind's own.
var images = map[string]string{
	"postgresql": "postgres", "postgis": "postgres", "pgvector": "postgres", "timescaledb": "postgres", "timescaledb-ha": "postgres", "pgbouncer": "postgres", "spilo": "postgres",
	"mysql-server": "mysql", "percona": "mysql", "percona-server": "mysql", "vitess": "mysql",
	"mongo": "mongodb", "mongodb-community-server": "mongodb", "cockroach": "cockroachdb", "mssql-server": "mssql", "clickhouse-server": "clickhouse", "scylla": "cassandra",
	"redis-stack": "redis", "redis-stack-server": "redis", "keydb": "redis", "dragonfly": "redis", "redis-cluster": "redis", "valkey-bundle": "valkey",
	"cp-kafka": "kafka", "kafka-native": "kafka", "redpanda": "kafka", "nats-server": "nats", "mosquitto": "mqtt", "emqx": "mqtt", "activemq-artemis": "activemq", "artemis": "activemq",
	"minio": "s3", "localstack": "s3", "openldap": "ldap", "mailpit": "smtp", "mailhog": "smtp",
}

// ports are those at which nothing but a kind is expected.
var ports = map[int]string{
	5432: "postgres", 6432: "postgres", 3306: "mysql", 27017: "mongodb", 1433: "mssql", 1521: "oracle", 26257: "cockroachdb", 9042: "cassandra", 7687: "neo4j", 2379: "etcd",
	6379: "redis", 11211: "memcached", 5671: "rabbitmq", 5672: "rabbitmq", 9092: "kafka", 4222: "nats", 1883: "mqtt", 6650: "pulsar",
	389: "ldap", 636: "ldap", 25: "smtp", 465: "smtp", 587: "smtp",
}

// Noun is what the dependency is in a sentence: "database", "cache", "queue". Where its kind is not
// known, its name tells; where that does not either, it is a "dependency".
func (d Dependency) Noun() string {
	if noun := nouns[d.Kind]; noun != "" {
		return noun
	}
	if noun := nouns[d.guess()]; noun != "" {
		return noun
	}
	switch d.short() {
	case "db", "database", "sql":
		return "database"
	case "cache":
		return "cache"
	case "queue", "broker":
		return d.short()
	}
	return "dependency"
}

// short is its name without what kind of object it is.
func (d Dependency) short() string {
	if d.External() {
		return d.Name
	}
	return path.Base(d.Object)
}

// guess is the kind that its name, or its port, tells.
func (d Dependency) guess() string {
	if kind := kindOfName(d.short()); kind != "" || !d.External() {
		return kind
	}
	_, port, _ := net.SplitHostPort(d.Host)
	n, _ := strconv.Atoi(port)
	return ports[n]
}

// kindOfName is the kind of a program by the name of its image, without its registry's.
func kindOfName(name string) string {
	if nouns[name] != "" {
		return name
	}
	return images[name]
}

// kindOfImage is the kind of a program by its image: "docker.io/bitnami/postgresql:17" is postgres.
func kindOfImage(image string) string {
	name := repositoryOf(image)
	kind := kindOfName(path.Base(name))
	if path.Base(name) == "server" { // mcr.microsoft.com/mssql/server
		kind = kindOfName(path.Base(path.Dir(name)))
	}
	return kind
}

// kind says what an object of the manifests is, and how that is known: by the image of one of its
// containers, or else by a port of theirs or of a Service that leads to them.
func (w WorkloadFacts) kind() (kind, from string) {
	for _, k := range w.Containers {
		if kind := kindOfImage(k.Image); kind != "" {
			return kind, "the image " + k.Image + " of " + w.Object.String()
		}
	}
	var numbers []int
	for _, k := range w.Containers {
		for _, p := range k.Ports {
			numbers = append(numbers, p.Number)
		}
	}
	for _, s := range w.Services {
		n, _ := strconv.Atoi(s.Target)
		numbers = append(numbers, n, s.Number)
	}
	for _, n := range numbers {
		if kind := ports[n]; kind != "" {
			return kind, "port " + strconv.Itoa(n) + " of " + w.Object.String()
		}
	}
	return "", ""
}

// kinds sets those of the dependencies that the contract leaves out.
func (d *deriver) kinds(all []WorkloadFacts) {
	d.c.Dependencies = slices.Clone(d.c.Dependencies) // it is the caller's
	for i := range d.c.Dependencies {
		dep := &d.c.Dependencies[i]
		if dep.Kind != "" {
			continue
		}
		kind, from := dep.guess(), "its name"
		if dep.External() {
			from = "its name or its port"
		}
		for _, w := range all {
			if w.Object.String() != dep.Object {
				continue
			}
			if k, f := w.kind(); k != "" {
				kind, from = k, f
			}
		}
		if kind != "" {
			dep.Kind = kind
			d.note("dependencies["+strconv.Itoa(i)+"].kind", kind, from)
		}
	}
}

// knowKinds sets the kinds that the contract leaves out as another one has them, and tells whether
// there were any.
func (c *Contract) knowKinds(known []Dependency) (any bool) {
	c.Dependencies = slices.Clone(c.Dependencies) // it is the caller's
	for i := range c.Dependencies {
		d := &c.Dependencies[i]
		for _, k := range known {
			if d.Kind == "" && k.Kind != "" && d.Object == k.Object && d.Host == k.Host {
				d.Kind, any = k.Kind, true
			}
		}
	}
	return any
}

// unknownKind says what to write in place of a kind that podproof does not know.
func unknownKind(kind string) string {
	near := Nearest(kind, Kinds)
	if known := kindOfName(strings.ToLower(kind)); known != "" {
		near = known
	}
	if near != "" {
		return "write " + near + ", or tcp for what has no kind of its own"
	}
	return "write one of " + strings.Join(Kinds, ", ") + "; tcp is for what is none of the others"
}
