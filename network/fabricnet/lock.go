package fabricnet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A network's folder has one lock. Who changes the network holds it: raises it, takes
// it down, starts or ends processes. It is the kernel's (flock), so it ends with its holder.

// lockFile is the file that is locked. It says who holds it, and that the folder is a
// network's, also before there is a state and after it was lost.
const lockFile = "network.lock"

// lockMark begins the lock file.
const lockMark = "fabric-kafka network, changed by "

// BusyError says that another process is changing the network.
type BusyError struct {
	Dir    string
	Holder string // pid and command line
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("the network in %s is being changed by %s: wait until that has ended, or end it", e.Dir, e.Holder)
}

// lockFolder takes the lock of a folder that exists.
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
		if err := f.Close(); err != nil { // its holder has removed the folder: this is no lock any more
			return nil, err
		}
	}
}

// current reports whether the file is still the one of that name.
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
	text, _ := os.ReadFile(f.Name()) // who holds it may not have signed it yet
	holder := strings.TrimSpace(strings.TrimPrefix(string(text), lockMark))
	if holder == "" {
		holder = "another process"
	}
	return &BusyError{dir, holder}
}

// sign writes into the lock who holds it.
func sign(f *os.File) error {
	command := append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...)
	text := fmt.Sprintf("%sprocess %d (%s)\n", lockMark, os.Getpid(), strings.Join(command, " "))
	_, err := f.WriteAt([]byte(text), 0) // over the last holder's name: the mark is there all the time
	return errors.Join(err, f.Truncate(int64(len(text))))
}

// exclusively runs f with the folder's lock; in a call of its own, that is held already.
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

// take locks the folder, which must be a network's: a lock that is left behind would make
// it one.
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

func (n *Network) unlock() {
	_ = n.lock.Close() // the kernel unlocks it
	n.lock = nil
}

// change runs f, which changes the network, with the lock and on the state as it is by then.
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

// Hold keeps everybody else from changing the network until release is called. The error
// is a *BusyError if another process changes it now.
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
