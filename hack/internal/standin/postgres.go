package standin

import (
	"podproof.dev/hack/internal/archive"
)

const (
	postgresVersion  = "15" // what Debian 12 has
	postgresPackages = "postgresql-" + postgresVersion + ",postgresql-client-" + postgresVersion + ",dash,coreutils,sed,grep,findutils,util-linux,libc-bin,tzdata"
)

// Postgres behaves as the official postgres image does, as far as its documented environment goes.
func (h Host) Postgres() (Image, error) {
	prune, err := h.file("postgres", "prune")
	if err != nil {
		return Image{}, err
	}
	entrypoint, err := h.file("postgres", "entrypoint")
	if err != nil {
		return Image{}, err
	}
	root := h.bootstrapped(part{
		name: "postgres", what: "postgres image: extracting Debian's packages", note: "half a minute, once",
		size: 130 << 20, scratch: 500 << 20,
	}, "postgres.tar", func(string) []string {
		return []string{"--variant=extract", "--format=tar", "--skip=output/dev", "--include=" + postgresPackages, "--extract-hook=" + hook(prune)}
	})
	config := archive.Config{
		Env: []string{
			"PATH=/usr/lib/postgresql/" + postgresVersion + "/bin:" + path[len("PATH="):],
			"LANG=C.UTF-8", "PGDATA=/var/lib/postgresql/data",
		},
		Entrypoint:   []string{"docker-entrypoint.sh"},
		Cmd:          []string{"postgres"},
		StopSignal:   "SIGINT",
		Volumes:      map[string]struct{}{"/var/lib/postgresql/data": {}},
		ExposedPorts: map[string]struct{}{"5432/tcp": {}},
	}
	return Image{
		Name: "postgres", Key: key(root.key, entrypoint, config.Env[0], config.StopSignal),
		config: config, parts: []part{root},
		layers: func(dirs []string) ([]archive.Layer, error) {
			start, err := archive.Small([]archive.Entry{{Name: "usr/local/bin/docker-entrypoint.sh", Mode: 0o755, Content: entrypoint}})
			return []archive.Layer{archive.File(dirs[0] + "/postgres.tar"), start}, err
		},
	}, nil
}
