package consenter

import (
	"crypto/tls"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

const (
	noticePeriod = 30 * 24 * time.Hour // before a certificate ends
	noticeEvery  = 24 * time.Hour
	lookEvery    = time.Minute // at the files, beside every connection
)

// clientCertificate tells the end of the client certificate, if there is one: by
// a metric whenever it is read, and in the log when that end is near, once for
// each certificate and then once a day. It has no goroutine: connections and the
// surveys of topics have it look.
type clientCertificate struct {
	transport func() (*tls.Config, error) // nil: no TLS
	end       fabric.Gauge                // seconds of Unix time
	warn      func(message string, keysAndValues ...any)
	now       func() time.Time

	mu       sync.Mutex
	looked   time.Time
	noticed  time.Time // the last notice was given
	notAfter time.Time // of the certificate that it was of
}

// connect is the transport of one connection, looked at.
func (c *clientCertificate) connect() (*tls.Config, error) {
	config, err := c.transport()
	if err != nil || config.GetClientCertificate == nil {
		return config, err
	}
	pair, err := config.GetClientCertificate(nil)
	if err != nil {
		return nil, err
	}
	if pair.Leaf != nil { // as it always is, unless GODEBUG says otherwise
		c.read(pair.Leaf.NotAfter)
	}
	return config, nil
}

// look reads the files now and then: connections may last longer than a certificate.
// What is wrong with the files is told by what has to connect.
func (c *clientCertificate) look() {
	if c.transport == nil || !c.due() {
		return
	}
	_, _ = c.connect()
}

func (c *clientCertificate) due() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= lookEvery {
		c.looked = now
		return true
	}
	return false
}

func (c *clientCertificate) read(notAfter time.Time) {
	c.end.Set(float64(notAfter.Unix()))
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	left := notAfter.Sub(now)
	if left > noticePeriod || (notAfter.Equal(c.notAfter) && now.Sub(c.noticed) < noticeEvery) {
		return
	}
	c.noticed, c.notAfter = now, notAfter
	message := "The client certificate for the brokers ends soon: put a new one into its place, no restart is needed"
	if left <= 0 {
		message = "The client certificate for the brokers has ended: new connections are refused until there is a new one in its place, no restart is needed"
	}
	c.warn(message, "end", notAfter.UTC().Format(time.RFC3339), "days", int(left.Hours()/24))
}
