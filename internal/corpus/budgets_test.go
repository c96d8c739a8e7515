package corpus

import "podproof.dev/podproof/internal/contract"

func byteCount(n int64) *contract.Bytes {
	b := contract.Bytes(n)
	return &b
}

const kib = 1 << 10

// filled is an image with a file of 256 KiB.
func filled(budget contract.Size) func(*recipe) {
	return func(r *recipe) {
		r.copy("data /app", text("app/data.txt", mixed(50, 256*kib)))
		r.contract.Size = budget
	}
}

// replaced has that file twice, and only one to use.
func replaced(budget contract.Size) func(*recipe) {
	return func(r *recipe) {
		filled(budget)(r)
		r.copy("data /app", text("app/data.txt", mixed(51, 256*kib)))
	}
}

var budgets = []specimen{
	{planted: "more bytes than the budget", fails: []string{size}, at: []string{"uncompressed", "200Ki"}, plant: filled(contract.Size{Uncompressed: byteCount(200 * kib)})},
	{planted: "more bytes to pull than the budget", fails: []string{size}, at: []string{"compressed"}, plant: func(r *recipe) {
		filled(contract.Size{Compressed: byteCount(100 * kib)})(r)
		r.compressed = 101 * kib
	}},
	{planted: "more layers than the budget", fails: []string{size}, at: []string{"layers: 5", "4"}, plant: filled(contract.Size{Layers: 4})},
	{planted: "more waste than the budget", fails: []string{size}, at: []string{"wasted: 256 KiB"}, plant: replaced(contract.Size{Wasted: byteCount(100 * kib)})},
	{planted: "waste by a folder that became a link", fails: []string{size}, at: []string{"wasted"}, plant: func(r *recipe) {
		filled(contract.Size{Wasted: byteCount(100 * kib)})(r)
		r.run("mv", text("srv/main.py", ""), link("app", "srv"))
	}},

	{planted: "a size within its budget", like: size, plant: filled(contract.Size{Uncompressed: byteCount(900 * kib), Layers: 5, Wasted: byteCount(0)})},
	{planted: "waste without a budget", like: size, at: []string{"256 KiB wasted", "layer 6", "/app/data.txt"}, plant: replaced(contract.Size{})},
	{planted: "a file with many names, counted once", like: size, plant: func(r *recipe) {
		filled(contract.Size{Uncompressed: byteCount(400 * kib)})(r)
		r.run("ln", text("srv/x", ""), hardlink("srv/y", "srv/x"), hardlink("srv/z", "srv/x"))
	}},
	{planted: "a name deleted of a file that has another", like: size, plant: func(r *recipe) {
		filled(contract.Size{Wasted: byteCount(10 * kib)})(r)
		r.steps[len(r.steps)-1].layer = append(r.steps[len(r.steps)-1].layer, hardlink("srv/data.txt", "app/data.txt"))
		r.run("rm", gone("app/data.txt"))
	}},
	{planted: "a compressed size that the source does not know", like: size, open: []string{size}, plant: filled(contract.Size{Compressed: byteCount(100 * kib)})},
}

// described is an image with what the contract can ask of its configuration.
func described(ask contract.ImageConfig) func(*recipe) {
	return func(r *recipe) { r.contract.ImageConfig = ask }
}

const sourceLabel, baseLabel = "org.opencontainers.image.source", "org.opencontainers.image.base.name"

var configurations = []specimen{
	{planted: "EXPOSE of another port", fails: []string{config}, at: []string{"EXPOSE 8000", "8080/tcp"},
		plant: func(r *recipe) { r.config.ExposedPorts = map[string]struct{}{"8080/tcp": {}} }},
	{planted: "EXPOSE of the port, over UDP", fails: []string{config}, plant: func(r *recipe) { r.config.ExposedPorts = map[string]struct{}{"8000/udp": {}} }},
	{planted: "no EXPOSE", fails: []string{config}, at: []string{"no EXPOSE"}, plant: func(r *recipe) { r.config.ExposedPorts, r.contract.Profile = nil, contract.ProfileStrict }},
	{planted: "no HEALTHCHECK, where one is wanted", fails: []string{config}, at: []string{"no HEALTHCHECK"}, plant: described(contract.ImageConfig{Healthcheck: true})},
	{planted: "HEALTHCHECK NONE, where one is wanted", fails: []string{config}, plant: func(r *recipe) {
		described(contract.ImageConfig{Healthcheck: true})(r)
		r.healthcheck("NONE")
	}},
	{planted: "a HEALTHCHECK of another path", fails: []string{config}, at: []string{"/health", "/ping"}, plant: func(r *recipe) {
		described(contract.ImageConfig{Healthcheck: true})(r)
		r.healthcheck("CMD", "curl", "-f", "http://localhost:8000/ping")
	}},
	{planted: "a label that is missing", fails: []string{config}, at: []string{sourceLabel}, plant: described(contract.ImageConfig{Labels: []string{sourceLabel}})},
	{planted: "a label without a value", fails: []string{config}, plant: func(r *recipe) {
		described(contract.ImageConfig{Labels: []string{sourceLabel}})(r)
		r.label(sourceLabel, " ")
	}},
	{planted: "a base with the tag latest", fails: []string{config}, at: []string{"python:latest"}, plant: func(r *recipe) {
		described(contract.ImageConfig{PinnedBase: true})(r)
		r.label(baseLabel, "docker.io/library/python:latest")
	}},

	{planted: "a HEALTHCHECK of the right path", like: config, plant: func(r *recipe) {
		described(contract.ImageConfig{Healthcheck: true})(r)
		r.healthcheck("CMD-SHELL", "curl -fsS http://127.0.0.1:8000/health || exit 1")
	}},
	{planted: "several ports, with the right one", like: config, plant: func(r *recipe) { r.config.ExposedPorts["9090/tcp"] = struct{}{} }},
	{planted: "labels that are there", like: config, plant: func(r *recipe) {
		described(contract.ImageConfig{Labels: []string{sourceLabel}, PinnedBase: true})(r)
		r.label(sourceLabel, "https://git.acme.io/shop")
		r.label(baseLabel, "registry.acme.io:5000/python:3.12-slim")
	}},
	{planted: "a base without a tag, by its digest", like: config, plant: func(r *recipe) {
		described(contract.ImageConfig{PinnedBase: true})(r)
		r.label(baseLabel, "python@sha256:"+random(60, 64, hex))
	}},
	{planted: "a base that is not named", like: config, open: []string{config}, plant: described(contract.ImageConfig{PinnedBase: true})},
}
