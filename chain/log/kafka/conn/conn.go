package conn

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

	"github.com/fabric-kafka/orderer/chain/log/kafka/idle"
)

// AccessError is why a connection is unusable. It concerns access to the brokers, never
// the content of a record.
type AccessError struct {
	Err   error
	Await string // who can fix it, and how
}

// Error returns the error of the connection, without what is awaited.
func (e *AccessError) Error() string { return e.Err.Error() }

func (e *AccessError) Unwrap() error { return e.Err }

// conn is a connection that is ready for sarama's requests: the TLS handshake, if any, is
// done. sarama can neither read certificates for each connection nor ask for the
// password of PLAIN at each login, so both are done here.
type conn struct {
	net.Conn          // plain, or TLS over raw
	raw      net.Conn // closed to end the connection at once
	gate     *Gate
	address  string // as dialed

	unanswered unanswered

	asked        atomic.Int32                // key of the last request
	askedVersion atomic.Int32                // its version
	used         atomic.Int64                // when bytes were last sent or received, as time since began
	fresh        atomic.Bool                 // no byte of its answer has been received
	resume       atomic.Int64                // when the broker accepts the next request, as time since began
	served       atomic.Bool                 // the broker has answered a request that requires a login
	ended        atomic.Pointer[AccessError] // why it is unusable: sarama may retry on it, and would report the later error
}

// encrypt does the TLS handshake, if TLS is configured, with the current content of the
// files.
func (g *Gate) encrypt(ctx context.Context, raw net.Conn, address string) (net.Conn, error) {
	if g.config.TLS == nil {
		return raw, nil
	}
	config, err := g.config.TLS()
	if err != nil {
		return nil, &AccessError{err, "an operator to fix the files that the TLS settings name"}
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
		return nil, &AccessError{fmt.Errorf("TLS with broker %s: %w", address, err), awaitOfTLS(err)}
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
		return "a TLS listener of the brokers"
	case refused(err):
		return ownCertificate
	}
	return "a TLS connection to the broker"
}

const ownCertificate = "a client certificate that the brokers accept (TLS.Certificate)"

// refused reports whether the TLS peer ended the connection with an alert.
func refused(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error"
}

// Read explains the end of a connection by the broker.
func (c *conn) Read(b []byte) (int, error) {
	if e := c.ended.Load(); e != nil {
		return 0, e
	}
	n, err := c.receive(b)
	c.used.Store(int64(time.Since(began)))
	c.follow(b[:n])
	e := c.inspect(b[:n])
	if err != nil {
		c.unanswered.end()
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

// leave closes the connection to a broker that does not answer.
func (c *conn) leave(err error) {
	c.ended.CompareAndSwap(nil, silent(err))
	_ = c.raw.Close() // its users meet the error
}

// inspect finds errors in an answer that sarama would misinterpret or drop.
func (c *conn) inspect(answer []byte) *AccessError {
	const alert = "\x15\x03" // of TLS; it cannot be the size of an answer
	switch key := c.asked.Load(); {
	case len(answer) == 0:
	case !c.served.Load() && c.gate.config.TLS == nil && bytes.HasPrefix(answer, []byte(alert)):
		return &AccessError{fmt.Errorf("broker %s expects TLS on that port, but this orderer does not use TLS", c.RemoteAddr()), matching}
	case key == saslHandshake:
		return c.mechanism(answer)
	case key != apiVersions:
		c.served.Store(true)
		if key == saslAuthenticate && refusal(answer, c.askedVersion.Load()) {
			c.gate.config.SASL.refuse()
		}
	}
	return nil
}

// refusal reports whether an answer to a login refuses it. The answer is size,
// correlation id, since version 2 a count of tags, and then the code.
func refusal(answer []byte, version int32) bool {
	head := 4 + 4
	if version >= 2 {
		head++
	}
	return len(answer) >= head+2 && sarama.KError(binary.BigEndian.Uint16(answer[head:])) != sarama.ErrNoError
}

// matching is awaited when the broker does not give a reason.
const matching = "running brokers whose listener has this orderer's TLS and SASL settings"

// explain returns nil for an error that does not concern access.
func (c *conn) explain(err error) *AccessError {
	switch asked := c.asked.Load(); {
	case refused(err): // with TLS 1.3 the client's handshake is over before the broker looks at its certificate
		return &AccessError{fmt.Errorf("TLS with broker %s: %w", c.RemoteAddr(), err), ownCertificate}
	case errors.Is(err, os.ErrDeadlineExceeded): // a late answer would be mistaken for that of another request
		return silent(c.gate.silence(c.address, operation(asked), c.gate.config.ReadTimeout, err))
	case !errors.Is(err, io.EOF):
	case asked == saslHandshake, asked == saslAuthenticate:
		c.gate.config.SASL.refuse()
		return &AccessError{fmt.Errorf("broker %s closed the connection during login: %w", c.RemoteAddr(), err),
			"an operator to check this orderer's user and password, and the broker's log"}
	case !c.served.Load():
		return &AccessError{fmt.Errorf("broker %s closed the connection without an answer: %w", c.RemoteAddr(), err), matching}
	}
	return nil
}

// mechanism inspects the answer to the SASL handshake, whose error sarama would drop. The
// answer is size, correlation id, code, and the mechanisms that the broker supports.
func (c *conn) mechanism(answer []byte) *AccessError {
	const head = 4 + 4
	if len(answer) < head+2 || sarama.KError(binary.BigEndian.Uint16(answer[head:])) != sarama.ErrUnsupportedSASLMechanism {
		return nil
	}
	return &AccessError{fmt.Errorf("broker %s does not support the SASL mechanism %s; it supports %s", c.RemoteAddr(), c.gate.config.SASL.Mechanism,
		strings.Join(texts(answer[head+2:]), ", ")), "an operator to choose another mechanism (SASL.Mechanism), or to enable it at the brokers"}
}

// texts returns the strings of an encoded array, which may be truncated.
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

// Keys of the requests before and during a login.
const (
	saslHandshake    = 17
	apiVersions      = 18
	saslAuthenticate = 36
)

// Write sends a whole request, as sarama writes it, and watches it until it is answered.
func (c *conn) Write(b []byte) (int, error) {
	if e := c.ended.Load(); e != nil {
		return 0, e
	}
	if err := c.throttle(); err != nil {
		return 0, err
	}
	key, version := -1, 0
	if len(b) >= sizeHead {
		key, version = int(binary.BigEndian.Uint16(b[4:])), int(binary.BigEndian.Uint16(b[6:]))
	}
	c.asked.Store(int32(key))
	c.askedVersion.Store(int32(version))
	c.fresh.Store(true)
	var polls time.Duration
	if key == keyFetch {
		polls = idle.AlignPoll(b, version)
	}
	c.add(request{operation(key), polls})
	n, err := c.send(key, b)
	if errors.Is(err, os.ErrDeadlineExceeded) { // a part of the request may be on its way
		c.ended.CompareAndSwap(nil, silent(c.gate.silence(c.address, operation(key), c.gate.config.WriteTimeout, err)))
	}
	return n, err
}

func (c *conn) send(key int, b []byte) (int, error) {
	now := time.Since(began)
	if key == keyProduce {
		if now-time.Duration(c.used.Load()) > c.gate.config.MaxIdle && c.unanswered.alone() {
			return 0, ErrIdle
		}
		c.gate.Produced.Store(true)
	}
	c.used.Store(int64(now))
	sasl := c.gate.config.SASL
	if key != saslAuthenticate || sasl == nil || sasl.Mechanism != Plain {
		return c.Conn.Write(b)
	}
	payload, err := sasl.plain()
	if err != nil {
		return 0, err
	}
	if _, err := c.Conn.Write(authenticate(b, payload)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// ErrIdle is wrapped by the error for a batch on a connection that was idle for longer than
// Config.MaxIdle. Nothing of the batch was sent: open another connection and send it there.
var ErrIdle = fmt.Errorf("the connection was idle for too long: %w", net.ErrClosed)

// began is the time that other times are measured from.
var began = time.Now()

// sizeHead is the size of a request before its client's name: size, key, version,
// correlation id and the length of the name.
const sizeHead = 4 + 2 + 2 + 4 + 2

// authenticate returns an authentication request with its payload replaced.
func authenticate(request, payload []byte) []byte {
	name := int(binary.BigEndian.Uint16(request[sizeHead-2:]))
	head := min(sizeHead+name, len(request))
	out := append([]byte(nil), request[:head]...)
	if version := binary.BigEndian.Uint16(request[6:]); version >= 2 {
		const noTags = 0
		out = append(out, noTags)
		out = binary.AppendUvarint(out, uint64(len(payload)+1))
		out = append(append(out, payload...), noTags)
	} else {
		out = binary.BigEndian.AppendUint32(out, uint32(len(payload)))
		out = append(out, payload...)
	}
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out
}

// Close closes the connection and removes it from its gate.
func (c *conn) Close() error {
	c.unanswered.end()
	c.gate.forget(c.raw)
	return c.Conn.Close()
}
