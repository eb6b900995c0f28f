package train

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/dataset"
)

// nuclei are the first of the committed images.
func nuclei(t testing.TB, n int) *dataset.Set {
	s, err := dataset.Open("../testdata/nuclei_val.json", dataset.Options{Images: "../testdata/images"})
	require.NoError(t, err)
	s.Images = s.Images[:n]
	return s
}
