package train

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/backprop"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

// tight is a map without a border.
func tight(shape []int, data []float32) *backprop.Map {
	n, h, w, c := shape[0], shape[1], shape[2], shape[3]
	if data == nil {
		data = make([]float32, n*h*w*c)
	}
	return &backprop.Map{Items: n, Height: h, Width: w, Channels: c, Data: data, RowStride: w * c, ItemStride: h * w * c}
}

// What is between the programs, against the Model Garden 2.15.0 (fixture train_ops),
// within the tolerances of its README; single operations of a program are tested in
// package backprop, RoIAlign in package roialign.
func TestWhatIsBetweenProgramsEqualsTheGarden(t *testing.T) {
	ran := map[string]bool{}
	for _, c := range testutil.Cases(t, testutil.Shared(t, "fixtures", "tf2_training"), "train_ops") {
		ran[c.Op] = true
		switch c.Op {
		case "mask_gather":
			x, classes := c.In(t, "x"), c.In(t, "classes").Ints()
			shape := []int{len(classes), x.Shape[2], x.Shape[3], x.Shape[4]}
			require.Equal(t, c.Out(t, "y").Data, gather(nil, tight(shape, x.Data), classes))
			dx := tight(shape, nil)
			scatter(dx, classes, c.In(t, "dy").Data)
			require.Equal(t, c.Out(t, "dx").Data, dx.Data)
		case "global_average_pool":
			x := c.In(t, "x")
			flat := []int{x.Shape[0], 1, 1, x.Shape[3]}
			mean, dx := tight(flat, nil), tight(x.Shape, nil)
			average(mean, tight(x.Shape, x.Data))
			testutil.RequireClose(t, c.Out(t, "y64").Data, mean.Data, 2e-6)
			averageBack(dx, tight(flat, c.In(t, "dy").Data))
			testutil.RequireClose(t, c.Out(t, "dx64").Data, dx.Data, 2e-6)
		case "stochastic_depth":
			var args struct{ Rate float64 }
			require.NoError(t, json.Unmarshal(c.Args, &args))
			x, each := c.In(t, "x"), len(c.In(t, "x").Data)/len(c.In(t, "uniform").Data)
			y, dx := make([]float32, len(x.Data)), make([]float32, len(x.Data))
			for i, v := range x.Data {
				dx[i] = keepFactor(args.Rate, float64(c.In(t, "uniform").Data[i/each]))
				y[i] = dx[i] * v
			}
			testutil.RequireClose(t, c.Out(t, "y").Data, y, 2e-6, c.Name)
			testutil.RequireClose(t, c.Out(t, "dx_of_sum").Data, dx, 2e-6, c.Name)
		case "stochastic_depth_rates":
			for block, want := range c.Out(t, "rates").Data {
				require.InDelta(t, want, depthRate(0.2, block), 1e-7)
			}
		}
	}
	for _, op := range []string{"mask_gather", "global_average_pool", "stochastic_depth", "stochastic_depth_rates"} {
		require.True(t, ran[op], op)
	}
}
