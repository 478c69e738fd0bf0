package consenter

import (
	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// saramaLog prints what the client library has to say, at debug level: what
// matters of it comes back as an error.
type saramaLog struct{ *fabric.Logger }

func (s saramaLog) Print(v ...any)                 { s.Debug(v...) }
func (s saramaLog) Printf(format string, v ...any) { s.Debugf(format, v...) }
func (s saramaLog) Println(v ...any)               { s.Debug(v...) }

// The client library's logger is one for the process, and its clients read it
// without a lock, also after they were closed: so it is set before any exists.
func init() { sarama.Logger = saramaLog{fabric.NewLogger(loggerName).Named("sarama")} }
