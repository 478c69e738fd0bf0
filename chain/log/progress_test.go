package log

import (
	"reflect"
	"testing"
	"time"
)

func TestParseProgress(t *testing.T) {
	p := Progress{Member: "orderers.Org.a", Next: 9, Block: 3, At: time.Date(2026, 11, 23, 21, 48, 5, 0, time.UTC)}
	ruled := p
	ruled.Rules, ruled.ConfigSeq, ruled.Config = "strict", 12, "abc"
	hashed := ruled
	hashed.Hashes = []BlockHash{NewBlockHash(3, make([]byte, 32)), NewBlockHash(0, []byte("0123456789abcdef and more"))}
	for _, want := range []Progress{p, ruled, hashed} {
		if got := ParseProgress(p.Member, p.Next, want.Text()); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	for _, text := range []string{p.Text() + " rules=strict", p.Text() + " rules=strict config=-1:abc", p.Text() + " rules= config=3:abc", p.Text() + " rules=strict config=3", p.Text() + " rules=strict config=3:",
		p.Text() + " rules=strict\x1b[31m config=3:abc", p.Text() + " rules=strict config=3:\u00e9"} {
		if got := ParseProgress(p.Member, p.Next, text); !reflect.DeepEqual(got, p) {
			t.Errorf("%q: got %+v, want it without rules: %+v", text, got, p)
		}
	}
	for _, text := range []string{"", "block=3", "block=3 at=yesterday", "reset by an operator"} {
		if got := ParseProgress(p.Member, 9, text); !got.At.IsZero() || got.Next != 9 {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}
