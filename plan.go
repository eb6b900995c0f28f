package spinemask

import (
	"fmt"
	"strings"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/preprocess"
)

// Plan describes, for people, how a photo of height×width pixels would be
// computed: a table of steps for the backbone with a detector's dense head, and
// for each other head.
func (m *Model) Plan(height, width int) (string, error) {
	if m.isClosed() {
		return "", ErrClosed
	}
	g, err := preprocess.Fit(&m.config.Input, height, width)
	if err != nil {
		return "", err
	}
	trunk, err := m.trunk.Plan(g.InputHeight, g.InputWidth, 1)
	if err != nil {
		return "", err
	}
	name := map[config.Model]string{
		config.ModelMaskRCNN: "backbone and RPN head", config.ModelRetinaNet: "backbone and RetinaNet head", config.ModelClassification: "backbone",
	}[m.config.Model]
	first := &head{name: fmt.Sprintf("%s, %d×%d", name, g.InputHeight, g.InputWidth), prepared: m.trunk, plan: trunk}
	var b strings.Builder
	for _, part := range append([]*head{first}, m.heads()...) {
		fmt.Fprintf(&b, "%s\n%vweights %.1f MB, for Winograd %.1f MB more\n\n", part.name, part.plan,
			float64(part.prepared.WeightBytes())/1e6, float64(part.plan.WinogradBytes())/1e6)
	}
	return b.String(), nil
}
