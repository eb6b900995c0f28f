package engine

import "time"

// A Layer is a step of a plan and how long it took.
type Layer struct {
	Name      string
	Algorithm string // "direct", "winograd", or the operation
	Shape     string // rows × height × width × channels of the input, and the channels of the output
	MACs      int64  // multiply-adds of the direct convolution, for all rows
	Time      time.Duration
}

// Layers runs every step once for the given number of rows, each on its own, and
// times it. Run is faster than their sum: it runs the steps of a wave side by
// side.
func (ws *Workspace) Layers(rows int) []Layer {
	layers := make([]Layer, len(ws.tasks))
	for i, t := range ws.tasks {
		start := time.Now()
		ws.run(t, rows)
		layers[i].Time = time.Since(start)
		s := &ws.plan.steps[i]
		layers[i].Name, layers[i].Algorithm = s.name, s.how()
		layers[i].Shape = ws.plan.shapes(s, rows)
		layers[i].MACs = ws.plan.macs(s, rows)
	}
	return layers
}
