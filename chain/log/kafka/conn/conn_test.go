package conn

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/IBM/sarama"
)

// frame returns a request or a response: its size, and its content.
func frame(parts ...string) []byte {
	body := strings.Join(parts, "")
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// Brokers before 2.5 use version 0 or 1 of the request, with plain lengths.
func TestAuthenticateReplacesThePayload(t *testing.T) {
	long := strings.Repeat("p", 300)
	for name, test := range map[string]struct {
		request, says string
		want          []byte
	}{
		"version 2": {"\x00\x24\x00\x02\x00\x00\x00\x07\x00\x02me\x00\x04abc\x00", "secret",
			frame("\x00\x24\x00\x02\x00\x00\x00\x07\x00\x02me\x00\x07secret\x00")},
		"version 2, long": {"\x00\x24\x00\x02\x00\x00\x00\x07\x00\x02me\x00\x04abc\x00", long,
			frame("\x00\x24\x00\x02\x00\x00\x00\x07\x00\x02me\x00\xad\x02", long, "\x00")},
		"version 1": {"\x00\x24\x00\x01\x00\x00\x00\x07\x00\x02me\x00\x00\x00\x03abc", "secret",
			frame("\x00\x24\x00\x01\x00\x00\x00\x07\x00\x02me\x00\x00\x00\x06secret")},
		"version 0, no name": {"\x00\x24\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x03abc", "",
			frame("\x00\x24\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00")},
	} {
		if got := authenticate(frame(test.request), []byte(test.says)); !bytes.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// An answer that is truncated or has wrong lengths is not reported as an access error.
func FuzzAnswers(f *testing.F) {
	refusal := frame("\x00\x00\x00\x07\x00\x21\x00\x00\x00\x02\x00\x05PLAIN\x00\x0dSCRAM-SHA-256")
	f.Add(refusal, int32(saslHandshake))
	f.Add(refusal[:20], int32(saslHandshake))
	f.Add([]byte("\x15\x03\x03\x00\x02\x02\x46"), int32(apiVersions))
	f.Add([]byte{}, int32(saslAuthenticate))
	f.Fuzz(func(t *testing.T, answer []byte, asked int32) {
		c := &conn{Conn: nowhere{}, gate: &Gate{config: Config{SASL: &SASL{Mechanism: ScramSHA512}}}}
		c.asked.Store(asked)
		e := c.inspect(answer)
		off := asked == saslHandshake && len(answer) >= 10 && sarama.KError(binary.BigEndian.Uint16(answer[8:])) == sarama.ErrUnsupportedSASLMechanism
		alert := bytes.HasPrefix(answer, []byte("\x15\x03"))
		if (e != nil) != (off || alert) {
			t.Errorf("%q to %d: %v", answer, asked, e)
		}
		if bytes.Equal(answer, refusal) && off && e.Error() != `broker nowhere does not support the SASL mechanism SCRAM-SHA-512; it supports "PLAIN", "SCRAM-SHA-256"` {
			t.Error(e)
		}
	})
}

// A refused login is reported, so that a refused token is not used again.
func TestRefusedLoginIsReported(t *testing.T) {
	const refusal, success, challenge = "\x00\x3a", "\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x05{...}"
	for name, test := range map[string]struct {
		version, answer string
		err             error
		refused         int
	}{
		"version 0":               {"\x00\x00", "\x00\x00\x00\x07" + refusal, nil, 1},
		"version 1":               {"\x00\x01", "\x00\x00\x00\x07" + refusal, nil, 1},
		"version 2":               {"\x00\x02", "\x00\x00\x00\x07\x00" + refusal, nil, 1},
		"success":                 {"\x00\x01", "\x00\x00\x00\x07" + success, nil, 0},
		"success, version 2":      {"\x00\x02", "\x00\x00\x00\x07\x00" + success, nil, 0},
		"a challenge":             {"\x00\x01", "\x00\x00\x00\x07" + challenge, nil, 0}, // the answer to the next request decides
		"the end":                 {"\x00\x01", "", io.EOF, 1},
		"another error":           {"\x00\x01", "", os.ErrDeadlineExceeded, 0},
		"an answer that is short": {"\x00\x02", "\x00\x00\x00\x07\x00\x00", nil, 0},
	} {
		refused := 0
		answer := frame(test.answer)
		if test.err != nil {
			answer = nil
		}
		c := &conn{Conn: &scripted{answer: answer, err: test.err}, gate: &Gate{config: Config{SASL: &SASL{Mechanism: OAuthBearer, Refused: func() { refused++ }}}}}
		if _, err := c.Write(frame("\x00\x24" + test.version + "\x00\x00\x00\x07\x00\x00\x00\x00\x00\x05token")); err != nil {
			t.Fatal(err)
		}
		_, _ = c.Read(make([]byte, 4096))
		if refused != test.refused {
			t.Errorf("%s: %d refusals reported, want %d", name, refused, test.refused)
		}
	}
	c := &conn{Conn: &scripted{answer: frame("\x00\x00\x00\x07" + refusal)}, gate: &Gate{config: Config{SASL: &SASL{Mechanism: Plain}}}}
	c.asked.Store(saslAuthenticate)
	if _, err := c.Read(make([]byte, 4096)); err != nil {
		t.Error(err) // Refused is nil
	}
}

// scripted accepts every request and has one answer.
type scripted struct {
	nowhere
	answer []byte
	err    error
}

func (s *scripted) Write(b []byte) (int, error) { return len(b), nil }
func (s *scripted) Read(b []byte) (int, error)  { return copy(b, s.answer), s.err }

// nowhere is a connection to a broker of that name.
type nowhere struct{ net.Conn }

func (nowhere) RemoteAddr() net.Addr { return nowhere{} }
func (nowhere) Network() string      { return "tcp" }
func (nowhere) String() string       { return "nowhere" }
