package fabricnet

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// crash matches the first line that a Go program writes on a panic, a fatal error of
// the runtime, or a data race.
var crash = regexp.MustCompile(`^(panic: |fatal error: |SIG[A-Z]+: |unexpected fault address|WARNING: DATA RACE)`)

// Logs tracks how far the logs of a network's processes have been read.
type Logs struct {
	network *Network
	seen    map[string]int64 // bytes read of each file
}

// Logs returns the logs of all processes, starting after their current content.
func (n *Network) Logs() (*Logs, error) {
	l := &Logs{n, map[string]int64{}}
	for _, name := range n.names() {
		info, err := os.Stat(n.path(logFile(name)))
		switch {
		case err == nil:
			l.seen[name] = info.Size()
		case !errors.Is(err, os.ErrNotExist): // without a log, the process has never run
			return nil, err
		}
	}
	return l, nil
}

// Panics returns the processes that have panicked since the last call, each with the
// first line of its panic. Only the log shows when a process panics while it is being
// stopped.
func (l *Logs) Panics() (found []string, err error) {
	for _, name := range l.network.names() {
		line, err := l.firstCrash(name)
		if err != nil {
			return found, err
		}
		if line != "" {
			found = append(found, fmt.Sprintf("%s: %s", name, line))
		}
	}
	return found, nil
}

// firstCrash returns the first line of a crash in the unread part of a log, or "".
func (l *Logs) firstCrash(name string) (first string, err error) {
	f, err := os.Open(l.network.path(logFile(name)))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := f.Seek(l.seen[name], io.SeekStart); err != nil {
		return "", err
	}
	in := bufio.NewReader(f)
	for {
		line, err := in.ReadString('\n')
		if crash.MatchString(line) {
			first = cmp.Or(first, strings.TrimSpace(line))
		} else if errors.Is(err, io.EOF) {
			return first, nil // the line is not complete yet
		}
		l.seen[name] += int64(len(line))
		if errors.Is(err, io.EOF) {
			return first, nil
		}
		if err != nil {
			return first, err
		}
	}
}
