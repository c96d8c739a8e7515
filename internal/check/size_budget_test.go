package check

import (
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func budget(s contract.Size) contract.Contract { return contract.Contract{Size: s} }

func mebibytes(n int64) *contract.Bytes { return ptr(contract.Bytes(n << 20)) }

// sized is an image of two layers and 150 MiB, 60 MiB of which are compressed and 12 wasted.
func sized(change func(*evidence.ImageSize)) evidence.Evidence {
	return fileImage(func(i *evidence.Image) {
		i.Size = &evidence.ImageSize{Compressed: 60 << 20, Uncompressed: 150 << 20, FinalFiles: 138 << 20, Wasted: 12 << 20, Files: 900,
			Largest: []evidence.SizedFile{{Path: "/usr/lib/libpython.so", Bytes: 40 << 20}, {Path: "/app/model.bin", Layer: 1, Bytes: 30 << 20}},
			Waste:   []evidence.Waste{{Layer: 1, Bytes: 12 << 20, Files: 2, Example: "/var/cache/apt/pkgcache.bin"}}}
		change(i.Size)
	})
}

func whole(*evidence.ImageSize) {}

var sizeBudgetExamples = []example{
	{name: "no budget", c: goodContract(), e: sized(whole), want: Pass, says: []string{"Image size: 60.0 MiB compressed, 150.0 MiB in 2 layers, 12.0 MiB of it wasted (no budget)",
		"  layer 2 of 2 (COPY . .): 12.0 MiB wasted: it deletes or replaces 2 files of lower layers, such as /var/cache/apt/pkgcache.bin",
		"  /usr/lib/libpython.so, layer 1 of 2 (ADD rootfs.tar.xz /), reachable: 40.0 MiB"}},
	{name: "no budget, nothing wasted, compressed unknown", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Image size: 21.0 MiB in 1 layer (no budget)"}},
	{name: "within", c: budget(contract.Size{Compressed: mebibytes(60), Uncompressed: mebibytes(200), Wasted: mebibytes(12), Layers: 2}), e: sized(whole), want: Pass,
		says: []string{"Image size OK (compressed 60.0 MiB of 60Mi, uncompressed 150.0 MiB of 200Mi, wasted 12.0 MiB of 12Mi, layers 2 of 2)"}},
	{name: "compressed too large", c: budget(contract.Size{Compressed: mebibytes(59)}), e: sized(whole), want: Fail, says: []string{"compressed: 60.0 MiB, and the budget is 59Mi", "at most 59Mi compressed"}},
	{name: "uncompressed too large", c: budget(contract.Size{Uncompressed: mebibytes(149), Layers: 9}), e: sized(whole), want: Fail,
		says: []string{"uncompressed 150.0 MiB of 149Mi, layers 2 of 9", "/app/model.bin, layer 2 of 2"}},
	{name: "too much wasted", c: budget(contract.Size{Wasted: mebibytes(0)}), e: sized(whole), want: Fail, says: []string{"wasted: 12.0 MiB, and the budget is 0"}},
	{name: "too many layers", c: budget(contract.Size{Layers: 1}), e: sized(whole), want: Fail, says: []string{"layers 2 of 1", "at most 1 layer"}},
	{name: "compressed unknown, and small enough anyway", c: budget(contract.Size{Compressed: mebibytes(150)}), e: sized(func(s *evidence.ImageSize) { s.Compressed = 0 }), want: Pass},
	{name: "compressed unknown, and something else too large", c: budget(contract.Size{Compressed: mebibytes(60), Layers: 1}), e: sized(func(s *evidence.ImageSize) { s.Compressed = 0 }), want: Fail},
	{name: "compressed unknown", c: budget(contract.Size{Compressed: mebibytes(60)}), e: sized(func(s *evidence.ImageSize) { s.Compressed = 0 }), want: Inconclusive,
		says: []string{"does not tell the compressed size"}},
	{name: "layers are counted without reading them", c: budget(contract.Size{Layers: 1}), e: unread(), want: Pass},
	{name: "only the configuration was read", c: budget(contract.Size{Layers: 1, Uncompressed: mebibytes(1)}), e: unread(), want: Inconclusive},
	{name: "only the configuration was read, no budget", c: goodContract(), e: unread(), want: Inconclusive},
	{name: "not observed", c: goodContract(), e: noImage(), want: Inconclusive},
}
