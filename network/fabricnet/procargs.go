package fabricnet

import (
	"encoding/binary"
	"strings"
)

// environmentIn returns the environment in the output of macOS's kern.procargs2: the number
// of arguments, the program's path, padding NULs, the arguments, the environment.
func environmentIn(raw []byte) []string {
	if len(raw) < 4 {
		return nil
	}
	count := int(binary.NativeEndian.Uint32(raw))
	_, rest, _ := strings.Cut(string(raw[4:]), "\x00")
	parts := strings.Split(strings.TrimLeft(rest, "\x00"), "\x00")
	if count < 0 || count > len(parts) {
		return nil
	}
	return parts[count:]
}
