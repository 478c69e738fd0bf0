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

// redirectSarama sets sarama's logger, which is the process's. No client may exist yet.
func redirectSarama(l *fabric.Logger) { sarama.Logger = saramaLog{l} }
