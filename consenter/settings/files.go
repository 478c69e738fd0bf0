package settings

import (
	"fmt"
	"io"
	"os"
)

// maxFileSize bounds what is read of a file of the configuration, in bytes.
const maxFileSize = 4 << 20

// ReadFile reads the configuration, or a file that it names. A file of more than 4 MB
// is an error.
func ReadFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err == nil && len(content) > maxFileSize {
		err = fmt.Errorf("%s is larger than %d MB", name, maxFileSize>>20)
	}
	return content, err
}
