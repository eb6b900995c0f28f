package optim

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

func TestAdamWIsPyTorchs(t *testing.T) {
	data, err := os.ReadFile("testdata/adamw.json")
	require.NoError(t, err)
	var cases []struct {
		Beta1, Beta2, Epsilon, Decay float64
		Start                        []float32
		Steps                        []struct {
			Rate          float64
			Grad, Weights []float32
		}
	}
	require.NoError(t, json.Unmarshal(data, &cases))
	require.NotEmpty(t, cases)
	for _, c := range cases {
		o := AdamW{c.Beta1, c.Beta2, c.Epsilon}
		w := c.Start
		mean, square := make([]float32, len(w)), make([]float32, len(w))
		for i, s := range c.Steps {
			o.Update(w, mean, square, s.Grad, s.Rate, c.Decay, i+1)
			testutil.RequireClose(t, s.Weights, w, 1e-6)
		}
	}
}

func TestPower(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 7, 1000, 123456} {
		require.InEpsilon(t, math.Pow(0.999, float64(n)), power(0.999, n), 1e-9, "%d", n)
	}
}
