package weights

import (
	"archive/zip"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/weights/internal/pytorch"
)

// zipKind says what a zip archive is that holds no PyTorch checkpoint.
func zipKind(b *blob) (kind, bool) {
	z, err := zip.NewReader(b.reader, b.size)
	if err != nil {
		return kind{"a PyTorch checkpoint, or another zip archive, that is cut or damaged", fetchAgain}, true
	}
	arrays := len(z.File) > 0
	inside := ""
	for _, f := range z.File {
		base := path.Base(f.Name)
		arrays = arrays && strings.HasSuffix(base, ".npy")
		switch ext := strings.ToLower(path.Ext(base)); {
		case base == "constants.pkl":
			return kindTorchScript, true
		case base == "model.weights.h5":
			return kindKeras, true
		case base == "saved_model.pb":
			return kindSavedModel, true
		case ext == ".distcp":
			return kindDCP, true
		case inside == "" && slices.Contains([]string{".pth", ".pt", ".safetensors", ".index", ".ckpt", ".bin"}, ext):
			inside = f.Name
		}
	}
	switch {
	case arrays:
		return kindNPZ, true
	case inside != "":
		return kind{fmt.Sprintf("a zip archive with %.64q inside", inside), unpack}, true
	case len(z.File) > 0:
		return kind{fmt.Sprintf("a zip archive without weights (%.64q, …)", z.File[0].Name), whatIsRead}, true
	}
	return kind{"an empty zip archive", fetchAgain}, true
}

// pickleKind says what a pickle is that torch.save did not write.
func pickleKind(err error) (kind, bool) {
	var p *pytorch.PickleError
	if !errors.As(err, &p) {
		return kind{}, false
	}
	if slices.Contains(p.Keys, "blobs") {
		return kindDetectron, true
	}
	for _, key := range p.Keys {
		if k, ok := networkOf(strings.TrimPrefix(key, "model/")); ok {
			return k, true
		}
	}
	what := "a Python pickle, not of PyTorch"
	if len(p.Keys) > 0 {
		what = fmt.Sprintf("%s (%.64q, …)", what, p.Keys[0])
	}
	return kind{what, stateDict}, true
}

// folderKind says what a folder is that holds no TensorFlow checkpoint; ok is false where nothing is known of it.
func folderKind(dir string) (kind, bool) {
	has := func(pattern string) string {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return ""
		}
		for _, e := range entries {
			if ok, _ := path.Match(pattern, e.Name()); ok {
				return e.Name()
			}
		}
		return ""
	}
	switch {
	case has("saved_model.pb") != "":
		return kind{kindSavedModel.what, fmt.Sprintf("its variables are a checkpoint: give %s; networks that TensorFlow exported may have other names there", path.Join(filepath.ToSlash(dir), "variables"))}, true
	case has("*.distcp") != "":
		return kindDCP, true
	case has("data.pkl") != "":
		return kindUnpacked, true
	case has("*.bin.index.json") != "":
		return kindTorchShards, true
	case has("_CHECKPOINT_METADATA") != "" || has("manifest.ocdbt") != "":
		return kindOrbax, true
	}
	for _, pattern := range []string{"*.safetensors", "*.pth", "*.pt", "*.bin", "*.ckpt", "*.tar.gz"} {
		if name := has(pattern); name != "" {
			return kind{"a folder, which holds no TensorFlow checkpoint (*.index)", "name the file: " + path.Join(filepath.ToSlash(dir), name)}, true
		}
	}
	return kind{}, false
}
