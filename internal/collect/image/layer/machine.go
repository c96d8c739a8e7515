package layer

import (
	"debug/elf"
	"encoding/binary"
)

// machineNames are the machines that images are made for, as GOARCH has them.
var machineNames = map[elf.Machine]string{
	elf.EM_X86_64: "amd64", elf.EM_386: "386", elf.EM_AARCH64: "arm64", elf.EM_ARM: "arm", elf.EM_PPC64: "ppc64le", elf.EM_S390: "s390x",
	elf.EM_RISCV: "riscv64", elf.EM_LOONGARCH: "loong64", elf.EM_MIPS: "mips", darwin: "darwin",
}

// darwin stands in the place of a machine for a program of macOS: a build on a laptop that named no GOOS.
const darwin = elf.Machine(0xfffe)

// isMachO tells of a program of macOS for one machine of 64 bits (mach-o/loader.h).
func isMachO(b []byte) bool { return len(b) > 4 && string(b[:4]) == "\xcf\xfa\xed\xfe" }

// machineOf reads e_machine, in the byte order that the file says (ELF specification, figure 1-3).
func machineOf(b []byte) uint16 {
	const order, machine = 5, 18
	if len(b) < machine+2 {
		return 0
	}
	if elf.Data(b[order]) == elf.ELFDATA2MSB {
		return binary.BigEndian.Uint16(b[machine:])
	}
	return binary.LittleEndian.Uint16(b[machine:])
}
