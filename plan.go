package spinemask

import (
	"fmt"
	"strings"

	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/internal/core/preprocess"
)

// Plan describes, for people, how a photo of height×width pixels would be
// computed: a table of steps for the backbone with the RPN head and for both
// other heads.
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
	var b strings.Builder
	for _, part := range []struct {
		name     string
		prepared *engine.Prepared
		plan     *engine.Plan
	}{
		{fmt.Sprintf("backbone and RPN head, %d×%d", g.InputHeight, g.InputWidth), m.trunk, trunk},
		{fmt.Sprintf("box head, a chunk of %d proposals", m.boxRows), m.box, m.boxPlan},
		{fmt.Sprintf("mask head, a chunk of %d detections", m.maskRows), m.mask, m.maskPlan},
	} {
		fmt.Fprintf(&b, "%s\n%vweights %.1f MB, for Winograd %.1f MB more\n\n", part.name, part.plan,
			float64(part.prepared.WeightBytes())/1e6, float64(part.plan.WinogradBytes())/1e6)
	}
	return b.String(), nil
}
