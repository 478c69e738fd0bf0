package fabricnet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Every change to a network (up, down, starting or ending a process) is made under the
// lock of its folder. It is an flock, which the kernel releases when its holder ends.

// lockFile is the file that is locked. It names its holder, and marks the folder as a
// network's even before there is a state and after the state was lost.
const lockFile = "network.lock"

// lockMark begins the lock file.
const lockMark = "fabric-kafka network, changed by "

// BusyError is returned when another process is changing the network.
type BusyError struct {
	Dir    string
	Holder string // pid and command line
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("the network in %s is being changed by %s: wait until it ends, or end it", e.Dir, e.Holder)
}

// lockFolder takes the lock of an existing folder.
func lockFolder(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockFile)
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			err = busy(dir, f, err)
			return nil, errors.Join(err, f.Close())
		}
		if current(f, path) {
			return f, sign(f)
		}
		if err := f.Close(); err != nil { // the last holder removed the folder: the file is no longer its lock
			return nil, err
		}
	}
}

// current reports whether the path still names the open file.
func current(f *os.File, path string) bool {
	locked, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(locked, named)
}

func busy(dir string, f *os.File, err error) error {
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	text, _ := os.ReadFile(f.Name()) // the holder may not have signed it yet
	holder := strings.TrimSpace(strings.TrimPrefix(string(text), lockMark))
	if holder == "" {
		holder = "another process"
	}
	return &BusyError{dir, holder}
}

// sign writes the holder's pid and command line into the lock file.
func sign(f *os.File) error {
	command := append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...)
	text := fmt.Sprintf("%sprocess %d (%s)\n", lockMark, os.Getpid(), strings.Join(command, " "))
	_, err := f.WriteAt([]byte(text), 0) // overwrites the last holder, so that the mark is never missing
	return errors.Join(err, f.Truncate(int64(len(text))))
}

// exclusively runs f under the folder's lock, which a nested call already has.
func (n *Network) exclusively(f func() error) error {
	if n.lock != nil {
		return f()
	}
	if err := n.take(); err != nil {
		return err
	}
	defer n.unlock()
	return f()
}

// take locks the folder, which must be a network's: a leftover lock file would make it look
// like one.
func (n *Network) take() error {
	if !holdsNetwork(n.dir) {
		return fmt.Errorf("%s: %w", n.options.Dir, ErrNone)
	}
	lock, err := lockFolder(n.dir)
	if err == nil {
		n.lock = lock
	}
	return err
}

// unlock releases the lock explicitly: the kernel does so only once the last copy of the file is closed, and a process
// that is being started has a copy until it runs its program.
func (n *Network) unlock() {
	_ = syscall.Flock(int(n.lock.Fd()), syscall.LOCK_UN)
	_ = n.lock.Close() // nothing was written to it since it was signed
	n.lock = nil
}

// change runs f, which changes the network, under the lock and with the state read again.
func (n *Network) change(f func() error) error {
	if n.lock != nil {
		return f()
	}
	return n.exclusively(func() error {
		if err := n.load(); err != nil {
			return err
		}
		return f()
	})
}

// Hold locks the network against changes by other processes until release is called. The
// error is a [*BusyError] if another process is changing it.
func (n *Network) Hold() (release func(), err error) {
	if err := n.take(); err != nil {
		return nil, err
	}
	if err := n.load(); err != nil {
		n.unlock()
		return nil, err
	}
	return n.unlock, nil
}
