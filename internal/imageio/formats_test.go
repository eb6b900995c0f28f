package imageio

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every kind of file gives the pixels of Pillow 13.0.0, exactly (testdata/formats.py). Alpha is laid over white with alpha_composite, which rounds
// differently from our division: one grey level.
func TestFormatsGivePillowsPixels(t *testing.T) {
	goldens, err := filepath.Glob("testdata/formats/*.golden.png")
	require.NoError(t, err)
	require.NotEmpty(t, goldens)
	for _, golden := range goldens {
		name := strings.TrimSuffix(golden, ".golden.png")
		t.Run(filepath.Base(name), func(t *testing.T) {
			mean, largest := difference(t, mustOpen(t, name, Options{}), mustOpen(t, golden, Options{}))
			tolerance := 0
			if strings.Contains(name, "alpha") || strings.Contains(name, "transparent") || strings.Contains(name, "rgba") {
				tolerance = 1
			}
			require.LessOrEqual(t, largest, tolerance, "mean difference %f", mean)
		})
	}
}
