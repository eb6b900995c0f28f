package spinemask

import (
	"fmt"
	"strings"

	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/internal/preprocess"
)

// Plan describes, for people, how a photo of height×width pixels would be
// computed: a table of steps for the backbone with the RPN head and for both
// other heads.
func (m *Model) Plan(height, width int) (string, error) {
	g, err := preprocess.Fit(&m.config.Input, height, width)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, part := range []struct {
		name                string
		prepared            *engine.Prepared
		height, width, rows int
	}{
		{"backbone and RPN head", m.trunk, g.InputHeight, g.InputWidth, 1},
		{"box head, a chunk of proposals", m.box, m.config.RoIAlign.BoxSize, m.config.RoIAlign.BoxSize, boxChunk},
		{"mask head, a chunk of detections", m.mask, m.config.RoIAlign.MaskSize, m.config.RoIAlign.MaskSize, maskChunk},
	} {
		plan, err := part.prepared.Plan(part.height, part.width, part.rows)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s, %d×%d\n%vweights %.1f MB\n\n", part.name, part.height, part.width, plan, float64(part.prepared.WeightBytes())/1e6)
	}
	return b.String(), nil
}
