package consenter

import (
	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// saramaLog logs the client library's messages at debug level: what matters is also returned as
// an error.
type saramaLog struct{ *fabric.Logger }

func (s saramaLog) Print(v ...any)                 { s.Debug(v...) }
func (s saramaLog) Printf(format string, v ...any) { s.Debugf(format, v...) }
func (s saramaLog) Println(v ...any)               { s.Debug(v...) }

// The client library has one logger for the process, which its clients read without a lock,
// even after they are closed. So it is set before there is any client.
func init() { sarama.Logger = saramaLog{fabric.NewLogger(loggerName).Named("sarama")} }
