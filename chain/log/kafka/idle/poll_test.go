package idle

import (
	"bytes"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"
)

// How long a request asks the broker to wait is read from its bytes, and shortened to end with the polls of others.
func TestAlign(t *testing.T) {
	const head, replica, rest = "\x00\x00\x00\x07\x00\x02me", "\xff\xff\xff\xff", "\x00\x00\x00\x01"
	const long, short, shortened = "\x00\x00\x0b\xb8", "\x00\x00\x01\xf4", "\x00\x00\x0b\x54"
	fetch := func(version, tags, wait string) []byte {
		body := "\x00\x01\x00" + version + head + tags + replica + wait + rest
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	}
	for name, test := range map[string]struct {
		version        int
		request, after []byte
		want           time.Duration
	}{
		"version 12":  {12, fetch("\x0c", "\x00", long), fetch("\x0c", "\x00", shortened), 2900 * time.Millisecond},
		"version 11":  {11, fetch("\x0b", "", long), fetch("\x0b", "", shortened), 2900 * time.Millisecond},
		"a short one": {12, fetch("\x0c", "\x00", short), fetch("\x0c", "\x00", short), 500 * time.Millisecond},
		"cut off":     {12, fetch("\x0c", "\x00", long)[:24], fetch("\x0c", "\x00", long)[:24], 0},
		"empty":       {12, nil, nil, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(100 * time.Millisecond) // since midnight
			if got := AlignPoll(test.request, test.version); got != test.want || !bytes.Equal(test.request, test.after) {
				t.Errorf("%s: %s, %q; want %s, %q", name, got, test.request, test.want, test.after)
			}
		})
	}
}
