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

// asRoot labels what mounts disks.
var asRoot = Label("root")

// data is the folder of a broker of Apache Kafka.
func (w *world) data(broker string) string { return filepath.Join(w.Dir(), "data", broker, "data") }

// disk is a small one of its own, for a broker's folder.
type disk struct{ folder string }

// mount puts a folder and what is in it on a disk of so many bytes. Nobody may use it meanwhile.
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

// unmount takes the disk away, and what is on it, once nobody uses it.
func (d *disk) unmount() error { return syscall.Unmount(d.folder, syscall.MNT_DETACH) }

func (d *disk) ballast() string { return filepath.Join(d.folder, "ballast") }

// fill leaves no room on the disk.
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

// relieve makes the room again that fill took.
func (d *disk) relieve() error { return os.Remove(d.ballast()) }

// cut takes the batches with an offset, and those behind it, off the end of a
// topic in a stopped broker's folder, and returns how many bytes those were. A
// batch begins with its first offset and the length of what follows.
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
	const head, lastDelta = 12, 23 // see the record batch in Kafka's protocol guide
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
