// Package bench measures how fast a model runs on this machine, and compares
// measurements.
package bench

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/network"
)

// Work is what every run of a published size does: as many RoIs as the papers
// count.
const (
	Proposals  = 1000
	Detections = 100
)

// Published returns the config of a published size of SpineNet Mask R-CNN for
// square inputs, changed so that every picture gives Proposals proposals and
// Detections masks, whatever the weights.
func Published(variant string, side int) (*config.Config, error) {
	c, err := config.TF1(variant)
	if err != nil {
		return nil, err
	}
	if side > 0 {
		c.Input.Height, c.Input.Width = side, side
	}
	Saturate(c)
	return c, c.Validate()
}

// Saturate makes a config keep all proposals and detections up to the limits.
func Saturate(c *config.Config) {
	c.RPN.PostNMS = Proposals
	c.RPN.NMSIoU, c.RPN.NMSRule = 1, config.NMSRuleGT
	c.RPN.ScoreThreshold, c.RPN.MinSize = 0, 0
	c.Detections.Max = Detections
	c.Detections.NMSIoU, c.Detections.NMSRule = 1, config.NMSRuleGT
	c.Detections.ScoreThreshold, c.Detections.MinSize = 0, 0
}

// RandomModel makes a model of a config with weights of no meaning that keep
// values of order one.
func RandomModel(c *config.Config, o *spinemask.Options) (*spinemask.Model, error) {
	n, err := network.Build(c)
	if err != nil {
		return nil, err
	}
	w := randomWeights{}
	for _, t := range n.Tensors() {
		w[t.Name] = t
	}
	return spinemask.New(c, w, o)
}

// randomWeights makes each tensor when it is asked for.
type randomWeights map[string]graph.Tensor

func (w randomWeights) Float32(name string) ([]float32, error) {
	t, ok := w[name]
	if !ok {
		return nil, fmt.Errorf("%s: missing", name)
	}
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	fanIn := n / t.Shape[len(t.Shape)-1]
	r := rand.New(rand.NewPCG(uint64(n), uint64(len(name))))
	v := make([]float32, n)
	for i := range v {
		switch {
		case t.Statistic:
			v[i] = 0.5 + r.Float32()
		case len(t.Shape) == 1:
			v[i] = r.Float32()
		default:
			v[i] = (r.Float32() - 0.5) * float32(math.Sqrt(12/float64(fanIn)))
		}
	}
	return v, nil
}
