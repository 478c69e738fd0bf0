package log

import (
	"testing"
	"time"
)

func TestParseProgress(t *testing.T) {
	p := Progress{Member: "orderers.Org.a", Next: 9, Block: 3, At: time.Date(2026, 11, 23, 21, 48, 5, 0, time.UTC)}
	if got := ParseProgress(p.Member, p.Next, p.Text()); got != p {
		t.Errorf("got %+v, want %+v", got, p)
	}
	for _, text := range []string{"", "block=3", "block=3 at=yesterday", "reset by an operator"} {
		if got := ParseProgress(p.Member, 9, text); !got.At.IsZero() || got.Next != 9 {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}
