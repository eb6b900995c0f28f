package coco

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestImageField(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gt.json")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	write(`{"info": {"camera": "no"}, "annotations": [{"camera": 1}], "images": [
		{"id": 1, "camera": "n\u00f6rd"}, {"camera": 7, "id": 2}, {"id": 3, "camera": null}, {"id": 4},
		{"id": 5, "camera": {"a": [1, 2]}}, {"id": 6, "camera": true}, {"id": 7, "camera": NaN}]}`)
	values, err := ImageField(path, "camera")
	require.NoError(t, err)
	require.Equal(t, []string{"nörd", "7", "", "", `{"a":[1,2]}`, "true", "NaN"}, values)

	for _, text := range []string{`[]`, `{"images": [7]}`, `{"images": {}}`, `{"images": [{"camera": "x`} {
		write(text)
		_, err := ImageField(path, "camera")
		require.ErrorContains(t, err, path)
	}
	_, err = ImageField(path+"x", "camera")
	require.Error(t, err)
}
