package kafka

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
)

// accessError is what kept a connection from being of use. It tells of the way
// to a record, never of a record.
type accessError struct {
	err   error
	await string // who can do what about it
}

func (e *accessError) Error() string { return e.err.Error() }
func (e *accessError) Unwrap() error { return e.err }

// conn is a connection that is ready for sarama's requests: TLS, if any, is
// done. sarama knows neither how to read certificates for each connection nor
// how to ask for the password of PLAIN at each log-in, so both are done here.
type conn struct {
	net.Conn          // plain, or TLS over raw
	raw      net.Conn // what is closed to cut it off at once
	gate     *gate
	address  string // as it was dialled

	pending atomic.Pointer[wait] // the last request, until its answer begins; nil: not watched

	asked  atomic.Int32                // key of the last request
	speaks atomic.Int32                // its version
	used   atomic.Int64                // when bytes came or went last, as time since began
	fresh  atomic.Bool                 // nothing of the answer to it has come
	resume atomic.Int64                // when the broker takes the next request, as time since began
	served atomic.Bool                 // the broker has answered a request that not everybody may make
	ended  atomic.Pointer[accessError] // why it is of no use: sarama may try again on it, and would report what it meets then
}

// encrypt does the handshake of TLS, if there is to be one, with what the files
// hold now.
func (g *gate) encrypt(ctx context.Context, raw net.Conn, address string) (net.Conn, error) {
	if g.tls == nil {
		return raw, nil
	}
	config, err := g.tls()
	if err != nil {
		return nil, &accessError{err, "an operator, to mend the files that the TLS settings name"}
	}
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		config = config.Clone()
		config.ServerName = host
	}
	c := tls.Client(raw, config)
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, &accessError{fmt.Errorf("TLS with broker %s: %w", address, err), awaitOfTLS(err)}
	}
	return c, nil
}

func awaitOfTLS(err error) string {
	var (
		host      x509.HostnameError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		noTLS     tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &host):
		return "a broker's certificate for that name, or the setting TLS.ServerName to be a name in it"
	case errors.As(err, &authority):
		return "the setting TLS.RootCAs to hold the authority that signed the broker's certificate"
	case errors.As(err, &invalid):
		return "a broker's certificate that is valid now"
	case errors.As(err, &noTLS), errors.Is(err, io.EOF):
		return "a listener of the brokers that speaks TLS"
	case refused(err):
		return ownCertificate
	}
	return "a TLS connection to the broker"
}

const ownCertificate = "a client certificate that the brokers accept (TLS.Certificate)"

// refused says whether the other side of TLS ended the connection with an alert.
func refused(err error) bool {
	var told *net.OpError
	return errors.As(err, &told) && told.Op == "remote error"
}

// Read says what it means that a broker ends a connection.
func (c *conn) Read(b []byte) (int, error) {
	if e := c.ended.Load(); e != nil {
		return 0, e
	}
	n, err := c.receive(b)
	c.used.Store(int64(time.Since(began)))
	if n > 0 {
		c.pending.Swap(nil).done()
	}
	e := c.look(b[:n])
	if err != nil {
		c.pending.Swap(nil).end()
		e = c.explain(err)
	}
	if e != nil {
		c.ended.CompareAndSwap(nil, e)
	}
	if e := c.ended.Load(); e != nil {
		return 0, e
	}
	return n, err
}

// leave ends the connection to a broker that does not answer.
func (c *conn) leave(err error) {
	c.ended.CompareAndSwap(nil, silent(err))
	_ = c.raw.Close() // its users meet the error
}

// look finds what an answer says that sarama would not understand, or would drop.
func (c *conn) look(answer []byte) *accessError {
	const alert = "\x15\x03" // of TLS; it cannot be the size of an answer
	switch key := c.asked.Load(); {
	case len(answer) == 0:
	case !c.served.Load() && c.gate.tls == nil && bytes.HasPrefix(answer, []byte(alert)):
		return &accessError{fmt.Errorf("broker %s speaks TLS at that port, and this orderer does not", c.RemoteAddr()), fitting}
	case key == saslHandshake:
		return c.mechanism(answer)
	case key != apiVersions:
		c.served.Store(true)
		if key == saslAuthenticate && refusal(answer, c.speaks.Load()) {
			c.gate.sasl.refuse()
		}
	}
	return nil
}

// refusal reports whether an answer to a log-in refuses it: size, correlation, from
// version 2 on a count of tags, then the code.
func refusal(answer []byte, version int32) bool {
	head := 4 + 4
	if version >= 2 {
		head++
	}
	return len(answer) >= head+2 && sarama.KError(binary.BigEndian.Uint16(answer[head:])) != sarama.ErrNoError
}

// fitting is awaited where the broker does not say what it has against us.
const fitting = "brokers that run, at a listener with the TLS and SASL that this orderer is set to"

// explain returns nil for what is no matter of access.
func (c *conn) explain(err error) *accessError {
	switch asked := c.asked.Load(); {
	case refused(err): // with TLS 1.3 the client's handshake is over before the broker looks at its certificate
		return &accessError{fmt.Errorf("TLS with broker %s: %w", c.RemoteAddr(), err), ownCertificate}
	case errors.Is(err, os.ErrDeadlineExceeded): // a late answer would be taken for that of another request
		return silent(c.gate.silence(c.address, operation(asked), c.gate.read, err))
	case !errors.Is(err, io.EOF):
	case asked == saslHandshake, asked == saslAuthenticate:
		c.gate.sasl.refuse()
		return &accessError{fmt.Errorf("broker %s ended the connection at the log-in: %w", c.RemoteAddr(), err),
			"an operator, to look at this orderer's user and password, and at the broker's log"}
	case !c.served.Load():
		return &accessError{fmt.Errorf("broker %s ended the connection without an answer: %w", c.RemoteAddr(), err), fitting}
	}
	return nil
}

// mechanism looks at the answer to the handshake of SASL, of which sarama would
// drop the error: size, correlation, code, and the mechanisms that the broker has.
func (c *conn) mechanism(answer []byte) *accessError {
	const head = 4 + 4
	if len(answer) < head+2 || sarama.KError(binary.BigEndian.Uint16(answer[head:])) != sarama.ErrUnsupportedSASLMechanism {
		return nil
	}
	return &accessError{fmt.Errorf("broker %s does not take the SASL mechanism %s; it takes %s", c.RemoteAddr(), c.gate.sasl.Mechanism,
		strings.Join(texts(answer[head+2:]), ", ")), "an operator to choose another mechanism (SASL.Mechanism), or to enable it at the brokers"}
}

// texts are those of an array of them, as far as it goes.
func texts(array []byte) (all []string) {
	if len(array) < 4 {
		return nil
	}
	for rest := array[4:]; len(rest) >= 2; {
		end := 2 + int(binary.BigEndian.Uint16(rest))
		if end > len(rest) {
			break
		}
		all, rest = append(all, fmt.Sprintf("%.40q", rest[2:end])), rest[end:]
	}
	return all
}

// Keys of the requests before and of a log-in.
const (
	saslHandshake    = 17
	apiVersions      = 18
	saslAuthenticate = 36
)

// Write takes whole requests, as sarama writes them, and watches them until they are
// answered.
func (c *conn) Write(b []byte) (int, error) {
	if e := c.ended.Load(); e != nil {
		return 0, e
	}
	if err := c.rest(); err != nil {
		return 0, err
	}
	key, version := -1, 0
	if len(b) >= sizeHead {
		key, version = int(binary.BigEndian.Uint16(b[4:])), int(binary.BigEndian.Uint16(b[6:]))
	}
	c.asked.Store(int32(key))
	c.speaks.Store(int32(version))
	c.fresh.Store(true)
	c.pending.Swap(c.gate.begin(c.address, operation(key), c.leave)).end()
	n, err := c.send(key, b)
	if errors.Is(err, os.ErrDeadlineExceeded) { // a part of the request may be on its way
		c.ended.CompareAndSwap(nil, silent(c.gate.silence(c.address, operation(key), c.gate.write, err)))
	}
	return n, err
}

func (c *conn) send(key int, b []byte) (int, error) {
	now := time.Since(began)
	if key == keyProduce {
		if now-time.Duration(c.used.Load()) > mostIdle {
			return 0, errIdle
		}
		c.gate.produced.Store(true)
	}
	c.used.Store(int64(now))
	sasl := c.gate.sasl
	if key != saslAuthenticate || sasl == nil || sasl.Mechanism != Plain {
		return c.Conn.Write(b)
	}
	says, err := sasl.plain()
	if err != nil {
		return 0, err
	}
	if _, err := c.Conn.Write(authenticate(b, says)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// mostIdle is how long a connection may be idle before no batch is sent by it: brokers close it
// after ten minutes (connections.max.idle.ms), load balancers earlier, some without a
// word. Whether what is written to it then has arrived nobody could know.
var mostIdle = time.Minute

// errIdle is what a batch on such a connection meets. Nothing of it was sent.
var errIdle = fmt.Errorf("the connection was idle for too long: %w", net.ErrClosed)

// began is what times are measured from.
var began = time.Now()

// sizeHead are the bytes of a request before its client's name: size, key,
// version, correlation and the length of the name.
const sizeHead = 4 + 2 + 2 + 4 + 2

// authenticate is a request to authenticate with other bytes in it.
func authenticate(request, says []byte) []byte {
	name := int(binary.BigEndian.Uint16(request[sizeHead-2:]))
	head := min(sizeHead+name, len(request))
	out := append([]byte(nil), request[:head]...)
	if version := binary.BigEndian.Uint16(request[6:]); version >= 2 {
		const noTags = 0
		out = append(out, noTags)
		out = binary.AppendUvarint(out, uint64(len(says)+1))
		out = append(append(out, says...), noTags)
	} else {
		out = binary.BigEndian.AppendUint32(out, uint32(len(says)))
		out = append(out, says...)
	}
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out
}

// Close also forgets the connection.
func (c *conn) Close() error {
	c.pending.Swap(nil).end()
	c.gate.forget(c.raw)
	return c.Conn.Close()
}
