package idle

import (
	"testing"

	"github.com/rcrowley/go-metrics"
)

// Each kind of metric that sarama registers counts nothing.
func TestUnmeasured(t *testing.T) {
	var r metrics.Registry = Unmeasured{}
	metrics.GetOrRegisterMeter("meter", r).Mark(1)
	metrics.GetOrRegisterCounter("counter", r).Inc(1)
	histogram := r.GetOrRegister("histogram", func() metrics.Histogram {
		t.Error("a histogram was made")
		return nil
	}).(metrics.Histogram)
	histogram.Update(1)
	if n := metrics.GetOrRegisterCounter("counter", r).Count(); n != 0 || histogram.Count() != 0 {
		t.Errorf("counted %d", n)
	}
	r.Unregister("counter")
}
