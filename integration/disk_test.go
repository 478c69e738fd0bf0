package integration_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
)

// asRoot labels specs that mount disks.
var asRoot = Label("root")

// data returns the data folder of a broker of Apache Kafka.
func (w *world) data(broker string) string { return filepath.Join(w.Dir(), "data", broker, "data") }

// disk is a small tmpfs over a broker's folder.
type disk struct{ folder string }

// mount moves a folder with its contents to a disk of this size in bytes. No process may use the folder meanwhile.
func mount(folder string, size int) (*disk, error) {
	aside := folder + ".aside"
	if err := errors.Join(os.Rename(folder, aside), os.Mkdir(folder, 0o755)); err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		return nil, fmt.Errorf("mount a tmpfs on %s: %w", folder, err)
	}
	d := &disk{folder}
	if out, err := exec.Command("cp", "-a", "--sparse=always", aside+"/.", folder).CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", err, out), d.unmount())
	}
	return d, os.RemoveAll(aside)
}

// unmount removes the disk and its contents, once no process uses it.
func (d *disk) unmount() error { return syscall.Unmount(d.folder, syscall.MNT_DETACH) }

func (d *disk) ballast() string { return filepath.Join(d.folder, "ballast") }

// fill uses up the space on the disk.
func (d *disk) fill() error {
	f, err := os.Create(d.ballast())
	if err != nil {
		return err
	}
	defer f.Close()
	for chunk := make([]byte, 4096); err == nil; {
		_, err = f.Write(chunk)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return nil
}

// relieve frees the space that fill used.
func (d *disk) relieve() error { return os.Remove(d.ballast()) }

// cut truncates a topic in a stopped broker's folder before the batch that
// contains an offset, and returns the number of bytes removed. A batch begins
// with its first offset and the length of the rest.
func cut(data, topic string, from int64) (int64, error) {
	segments, err := filepath.Glob(filepath.Join(data, topic+"-0", "*.log"))
	if err != nil || len(segments) == 0 {
		return 0, fmt.Errorf("%s: %d segments: %w", data, len(segments), err)
	}
	name := slices.Max(segments) // they are named after their first offset
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	const head, lastDelta = 12, 23 // see RecordBatch in Kafka's protocol guide
	end := 0
	for at := 0; at+lastDelta+4 <= len(text); {
		size := head + int(binary.BigEndian.Uint32(text[at+8:]))
		last := int64(binary.BigEndian.Uint64(text[at:])) + int64(binary.BigEndian.Uint32(text[at+lastDelta:]))
		if last >= from {
			break
		}
		at += size
		end = at
	}
	return int64(len(text) - end), os.Truncate(name, int64(end))
}
