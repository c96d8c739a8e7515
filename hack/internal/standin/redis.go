package standin

import (
	"podproof.dev/hack/internal/archive"
)

// The server and redis-cli, with the shell that a probe may use.
const redisPackages = "redis-server,redis-tools,dash,libc-bin"

// Redis behaves as the official redis image does, whose entrypoint lets every host connect.
func (h Host) Redis() (Image, error) {
	prune, err := h.file("redis", "prune")
	if err != nil {
		return Image{}, err
	}
	root := h.bootstrapped(part{
		name: "redis", what: "redis image: extracting Debian's packages", note: "half a minute, once",
		size: 40 << 20, scratch: 300 << 20,
	}, "redis.tar", func(string) []string {
		return []string{"--variant=extract", "--format=tar", "--skip=output/dev", "--include=" + redisPackages, "--extract-hook=" + hook(prune)}
	})
	config := archive.Config{
		Env:          []string{path},
		Cmd:          []string{"redis-server", "--protected-mode", "no"},
		WorkingDir:   "/data",
		Volumes:      map[string]struct{}{"/data": {}},
		ExposedPorts: map[string]struct{}{"6379/tcp": {}},
	}
	return Image{
		Name: "redis", Key: key(append([]string{root.key}, config.Cmd...)...),
		config: config, parts: []part{root},
		layers: func(dirs []string) ([]archive.Layer, error) {
			return []archive.Layer{archive.File(dirs[0] + "/redis.tar")}, nil
		},
	}, nil
}
