package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockPoll is how often a build checks whether a folder is free.
const lockPoll = 100 * time.Millisecond

// lock waits until no other build uses the folder, and returns a function that releases it. It is also released when
// the process ends.
func (p *project) lock(folder string) (unlock func(), err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for waiting := false; ; waiting = true {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", folder, err)
		}
		if !waiting {
			fmt.Fprintf(p.progress, "waiting for another build that uses %s\n", folder)
		}
		select {
		case <-time.After(lockPoll):
		case <-p.ctx.Done():
			f.Close()
			return nil, fmt.Errorf("another build uses %s: %w", folder, p.ctx.Err())
		}
	}
}
