package survey

import (
	"fmt"
	"slices"
	"strings"

	"github.com/IBM/sarama"
)

// A broker does not report its release, but which versions of each request it supports.

// Keys of requests.
const (
	keyProduce  = 0
	keyFetch    = 1
	keyMetadata = 3
)

// apiVersions is the versions of requests that a broker supports, by the request's key.
type apiVersions map[int16]versions

type versions struct{ min, max int16 }

// needed is the requests that this client depends on: 2.8 is the oldest release that
// supports all of them.
var needed = []struct {
	key     int16
	name    string
	version int16
}{
	{keyProduce, "Produce", 9},
	{keyFetch, "Fetch", 12},
	{keyMetadata, "Metadata", 10}, // returns a topic's id
}

// lacks returns the needed requests that a broker does not support.
func (s apiVersions) lacks() (missing []string) {
	for _, n := range needed {
		if v := s[n.key]; n.version < v.min || n.version > v.max {
			missing = append(missing, fmt.Sprintf("%s %d", n.name, n.version))
		}
	}
	return missing
}

// release guesses the release from the newest version of Fetch. Releases that share it are named together.
func (s apiVersions) release() string {
	releases := []struct {
		fetch int16
		name  string
	}{{18, "4.1 or newer"}, {17, "3.9 or 4.0"}, {16, "3.7 or 3.8"}, {14, "3.5 or 3.6"}, {13, "3.1 to 3.4"}}
	for _, r := range releases {
		if s[keyFetch].max >= r.fetch {
			return r.name
		}
	}
	if s[keyMetadata].max >= 10 {
		return "2.8 or 3.0"
	}
	return "older than 2.8"
}

// apiVersionsOf asks brokers for the versions that they support. It returns the brokers that do
// not answer separately.
func apiVersionsOf(c sarama.Client, ids []int32) (all map[int32]apiVersions, silent []string) {
	all = map[int32]apiVersions{}
	for _, id := range ids {
		s, err := ask(c, id)
		if err != nil {
			silent = append(silent, fmt.Sprintf("broker %d: %v", id, err))
			continue
		}
		all[id] = s
	}
	return all, silent
}

func ask(c sarama.Client, id int32) (apiVersions, error) {
	b, err := c.Broker(id)
	if err != nil {
		return nil, err
	}
	answer, err := b.ApiVersions(&sarama.ApiVersionsRequest{})
	if err != nil {
		return nil, err
	}
	return apiVersionsIn(answer)
}

func apiVersionsIn(answer *sarama.ApiVersionsResponse) (apiVersions, error) {
	if code := sarama.KError(answer.ErrorCode); code != sarama.ErrNoError {
		return nil, code
	}
	s := apiVersions{}
	for _, k := range answer.ApiKeys {
		s[k.ApiKey] = versions{k.MinVersion, k.MaxVersion}
	}
	return s, nil
}

// text returns the names of the releases, and what any broker lacks.
func text(all map[int32]apiVersions) (releases string, missing []string) {
	var names []string
	for _, s := range all {
		names = append(names, s.release())
		missing = append(missing, s.lacks()...)
	}
	slices.Sort(names)
	slices.Sort(missing)
	return "Kafka " + strings.Join(slices.Compact(names), ", "), slices.Compact(missing)
}
