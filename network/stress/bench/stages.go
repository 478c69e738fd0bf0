package bench

import (
	"fmt"
	"io"
	"strings"

	"github.com/google/pprof/profile"
)

// Stage is a part of what an orderer does with an envelope.
type Stage string

// Stages are all stages. A sample of a CPU profile belongs to the stage of the innermost function of its stack that one of
// the prefixes below names, and to other if there is none: the garbage collector, the scheduler. A consenter's functions
// that serve several stages count as decide only if none of their callers says more. Both directions of gRPC count as
// ingress, also where they deliver blocks.
var Stages = []Stage{ingress, appending, reading, deciding, writing, other}

const (
	ingress   Stage = "ingress" // receive, check the signature and the rules of the channel
	appending Stage = "append"  // give it to Kafka, or to Raft's log and its followers
	reading   Stage = "read"    // get it back from Kafka
	deciding  Stage = "decide"  // decode, judge, cut, make the block
	writing   Stage = "write"   // sign the block and write it to the ledger
	other     Stage = "other"
)

// shared is the stage of a consenter's functions that serve several stages.
const shared Stage = "shared"

func (s Stage) key() string { return "stage." + string(s) }

// stagePrefixes are the names of functions by which a stage is recognized: a package with its last folders, and the
// beginning of a type's or function's name. The longest one that fits counts.
var stagePrefixes = map[string]Stage{
	"common/deliver.":                                other,
	"orderer/common/broadcast.":                      ingress,
	"orderer/common/msgprocessor.":                   ingress,
	"orderer/common/server.(*server).Broadcast":      ingress,
	"orderer/common/server.(*server).Deliver":        other,
	"google.golang.org/grpc/":                        ingress,
	"google.golang.org/grpc.":                        ingress,
	"golang.org/x/net/http2":                         ingress,
	"fabric-kafka/orderer/chain/log/kafka/producer.": appending,
	"fabric-kafka/orderer/chain.(*Chain).Order":      appending,
	"fabric-kafka/orderer/chain.(*Chain).Configure":  appending,
	"sarama.(*asyncProducer)":                        appending,
	"sarama.(*syncProducer)":                         appending,
	"sarama.(*brokerProducer)":                       appending,
	"sarama.(*topicProducer)":                        appending,
	"sarama.(*partitionProducer)":                    appending,
	"sarama.(*produceSet)":                           appending,
	"sarama.(*ProduceRe":                             appending,
	"sarama.(*Broker).AsyncProduce":                  appending,
	"consensus/kafka.(*chainImpl).Order":             appending,
	"consensus/kafka.(*chainImpl).order":             appending,
	"consensus/kafka.(*chainImpl).Configure":         appending,
	"consensus/kafka.(*chainImpl).enqueue":           appending,
	"consensus/etcdraft.(*Chain).Order":              appending,
	"consensus/etcdraft.(*Chain).Submit":             appending,
	"consensus/etcdraft.(*node)":                     appending,
	"consensus/etcdraft.(*RaftStorage)":              appending,
	"etcd/raft":                                      appending,
	"orderer/common/cluster.":                        appending,
	"fabric-kafka/orderer/chain/log/kafka/reader.":   reading,
	"sarama.(*consumer)":                             reading,
	"sarama.(*brokerConsumer)":                       reading,
	"sarama.(*partitionConsumer)":                    reading,
	"sarama.(*FetchRe":                               reading,
	"sarama.(*Broker).responseReceiver":              reading,
	"fabric-kafka/orderer/chain":                     shared,
	"fabric-kafka/orderer/chain/log/":                "", // what calls a connection says more
	"consensus/kafka.":                               shared,
	"consensus/etcdraft.":                            shared,
	"orderer/common/blockcutter.":                    deciding,
	"multichannel.(*BlockWriter).CreateNextBlock":    deciding,
	"multichannel.(*BlockWriter)":                    writing,
	"ledger/blkstorage.":                             writing,
	"blockledger/fileledger.":                        writing,
	"goleveldb/":                                     writing,
}

// stageOf returns the stage that a function is a sign of.
func stageOf(function string) (Stage, bool) {
	best := ""
	for prefix := range stagePrefixes {
		at := strings.Index(function, prefix)
		if at < 0 || at > 0 && function[at-1] != '/' {
			continue
		}
		if len(prefix) > len(best) {
			best = prefix
		}
	}
	return stagePrefixes[best], stagePrefixes[best] != ""
}

// Shares reads a CPU profile, and returns the part of the samples' time in each stage; together 1.
func Shares(r io.Reader) (map[Stage]float64, error) {
	p, err := profile.Parse(r)
	if err != nil {
		return nil, fmt.Errorf("read the CPU profile: %w", err)
	}
	shares, total := map[Stage]float64{}, 0.0
	known := map[string]Stage{}
	for _, s := range p.Sample {
		value := float64(s.Value[len(s.Value)-1]) // the last type of a CPU profile is its time
		shares[sampleStage(s, known)] += value
		total += value
	}
	if total == 0 {
		return nil, fmt.Errorf("the CPU profile has no samples; measure for longer")
	}
	for s := range shares {
		shares[s] /= total
	}
	return shares, nil
}

// sampleStage returns the stage of a sample; known remembers those of functions.
func sampleStage(s *profile.Sample, known map[string]Stage) Stage {
	otherwise := other
	for _, l := range s.Location { // the innermost first
		for _, line := range l.Line {
			if line.Function == nil {
				continue
			}
			stage, seen := known[line.Function.Name]
			if !seen {
				stage, _ = stageOf(line.Function.Name)
				known[line.Function.Name] = stage
			}
			switch stage {
			case "":
			case shared:
				otherwise = deciding
			default:
				return stage
			}
		}
	}
	return otherwise
}
