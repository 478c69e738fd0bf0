package reader

import (
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// consumerConfig is for reading one partition with a bounded amount fetched ahead.
func consumerConfig(t *client.Topic, g *conn.Gate, fetchBytes int32, b *budget) *sarama.Config {
	s := g.Config()
	s.Consumer.Return.Errors = true
	s.Consumer.IsolationLevel = sarama.ReadUncommitted // like every other reader of the topic: no transactions are used
	s.Consumer.Fetch.Default = fetchBytes
	s.Consumer.Fetch.Max = 0                                               // a limit would make sarama skip a larger record
	s.Consumer.MaxWaitTime = min(conn.LongestPoll, t.Config.ReadTimeout/2) // an answer without records arrives in time
	s.Consumer.MaxProcessingTime = 10 * time.Second                        // a slow disk must not drop the subscription
	s.Consumer.Retry.BackoffFunc = func(int) time.Duration { return g.Pause(2 * t.Config.RetryBackoff) }
	s.Consumer.Interceptors = []sarama.ConsumerInterceptor{b}
	s.ChannelBufferSize = b.records()
	return s
}
