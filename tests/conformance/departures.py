from . import commands, compose_file, containers, environment_file, nginx_file, scripts, workflow_file

# Which of the specification's blocks each module compares.
COMPARED = {
    compose_file: ["docker-compose.prod.yml", "logging.yml"],
    nginx_file: ["nginx.conf"],
    environment_file: ["env.production"],
    workflow_file: ["deploy.yml"],
    scripts: ["backup.sh", "backup.cron", "check-health.sh", "certificates.cron", "views.py"],
    containers: [],  # chapter 2.2 is a table
    commands: commands.BLOCKS,
}


def departures(project):
    """Everything in which a project's folder is not what the specification says."""
    return [departure for module in COMPARED for departure in module.departures(project)]
