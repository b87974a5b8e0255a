import json
import subprocess
import sys


def test_read_awscli_gives_operations_and_their_examples():
    # In a child process, as the package does: importing awscli changes what `import botocore` means.
    code = "import json, sys; from tutorial_lib.private_api import read_awscli; json.dump(read_awscli(), sys.stdout)"
    services, examples = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert services["deploy"]["full_name"] == "AWS CodeDeploy"
    assert services["ec2"]["operation_of"]["describe-instances"] == "DescribeInstances"
    assert services["ec2"]["operations"]["DescribeInstances"][0] == "describe-instances"
    assert services["s3"] == {"full_name": "", "operations": {}, "operation_of": {}}  # a program of its own
    assert any(e[:2] == ["ec2", "describe-instances"] and "**" in e[2] for e in examples)
